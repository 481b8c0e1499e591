using System.Device.Gpio;
using System.Threading;

namespace Ota.Esp32;

/// <summary>A button to ground. Held for ten seconds it asks for clearing and provisioning, once.</summary>
internal sealed class ResetButton
{
    private const int PollMilliseconds = 100;
    private const int HeldPolls = 100;

    private readonly GpioPin _pin;
    private bool _asked;

    public ResetButton(GpioController pins, int pin)
    {
        _pin = pins.OpenPin(pin, PinMode.InputPullUp);
        new Thread(Watch).Start();
    }

    /// <summary>True once for each time it was held.</summary>
    public bool TakeAsked()
    {
        var asked = _asked;
        _asked = false;
        return asked;
    }

    private void Watch()
    {
        var held = 0;
        while (true)
        {
            held = _pin.Read() == PinValue.Low ? held + 1 : 0;

            // Equal, not more: one that is stuck clears once, not every ten seconds.
            if (held == HeldPolls)
                _asked = true;
            Thread.Sleep(PollMilliseconds);
        }
    }
}
