using System.Device.Gpio;
using System.Threading;
using Ota.Esp32;

namespace Ota.Sample;

/// <summary>
/// A thermostat as a user would write it: keeps a room between two temperatures and blinks while it heats. Whatever it
/// does about updates is one line.
/// </summary>
public sealed class Thermostat : Application
{
    private const int LedPin = 2;
    private const int HeaterPin = 25;
    private const int CoolestTenths = 195;
    private const int WarmestTenths = 205;

    private readonly GpioController _pins = new GpioController();
    private GpioPin _led;
    private GpioPin _heater;
    private bool _heating;
    private int _tenths = 180;

    public override void Run()
    {
        _led = _pins.OpenPin(LedPin, PinMode.Output);
        _heater = _pins.OpenPin(HeaterPin, PinMode.Output);
        while (true)
        {
            Regulate();

            // One round went well, so this version works. A trial that never gets here is reverted.
            ReportWorking();
            Blink();
        }
    }

    private void Regulate()
    {
        _tenths = Measure();
        if (_tenths < CoolestTenths)
            _heating = true;
        else if (_tenths > WarmestTenths)
            _heating = false;
        _heater.Write(_heating ? PinValue.High : PinValue.Low);
    }

    // Stands for a sensor: the room warms up while the heater is on.
    private int Measure() => _heating ? _tenths + 1 : _tenths - 1;

    private void Blink()
    {
        _led.Write(PinValue.High);
        Thread.Sleep(_heating ? 500 : 50);
        _led.Write(PinValue.Low);
        Thread.Sleep(_heating ? 500 : 1950);
    }
}
