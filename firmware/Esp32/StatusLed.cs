using System.Device.Gpio;
using System.Threading;

namespace Ota.Esp32;

/// <summary>What the device is busy with, for a person who looks at it.</summary>
internal enum Status
{
    Provisioning,
    Joining,
    Connecting,
    Running,
    Updating,
    Error,
}

/// <summary>An LED that shows the status, each with a rhythm of its own.</summary>
internal sealed class StatusLed
{
    /// <summary>Milliseconds on, off, on, off, …; in the order of <see cref="Status"/>.</summary>
    public static readonly int[][] Patterns =
    {
        new[] { 500, 500 },
        new[] { 100, 900 },
        new[] { 100, 150, 100, 650 },
        new[] { 50, 4950 },
        new[] { 100, 100 },
        new[] { 100, 150, 100, 150, 100, 1400 },
    };

    private readonly GpioPin _pin;

    public StatusLed(GpioController pins, int pin)
    {
        _pin = pins.OpenPin(pin, PinMode.Output);
        new Thread(Blink).Start();
    }

    public Status Status { get; set; }

    private void Blink()
    {
        while (true)
        {
            var pattern = Patterns[(int)Status];
            for (var i = 0; i < pattern.Length; i++)
            {
                _pin.Write(i % 2 == 0 ? PinValue.High : PinValue.Low);
                Thread.Sleep(pattern[i]);
            }
        }
    }
}
