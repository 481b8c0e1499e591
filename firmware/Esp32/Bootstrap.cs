using System;
using System.Device.Gpio;
using System.Net.NetworkInformation;
using System.Threading;
using Ota.Agent;

namespace Ota.Esp32;

/// <summary>
/// What lies in the deploy partition and is never rewritten over the air: puts the agent on the chip's hardware and
/// turns it, for ever.
/// </summary>
internal sealed class Bootstrap
{
    private const int TickMilliseconds = 250;

    private readonly UnitFile _unit;
    private readonly DeviceAgent _agent;
    private readonly WifiRadio _radio;
    private readonly SetupPage _page = new SetupPage();
    private readonly DeviceConsole _console;
    private readonly StatusLed _led;
    private readonly ResetButton _button;
    private readonly int _pinWait;

    private Bootstrap()
    {
        _unit = UnitFile.Read();
        var chip = ChipId();
        var records = new FileRecords();
        _unit.TrustKeysOnce(records);
        _radio = new WifiRadio(
            new AccessPoint(_unit.Text("product", "device"), chip, _unit.Text("setup-password", "")), _page);
        var slotSize = _unit.Number("slot-size", 80 * 1024);
        var loader = new ImageLoader();
        var platform = new Platform
        {
            Records = records,
            Slots = new ISlot[] { new FileSlot("a", slotSize), new FileSlot("b", slotSize) },
            Radio = _radio,
            Clock = new DeviceClock(),
            Http = new WebHttp(_unit.Certificate),
            Power = new DevicePower(),
            Loader = loader,
            Pins = loader,
        };
        var options = _unit.Options(chip);
        _pinWait = options.PinWait;
        _agent = new DeviceAgent(options, platform);

        var led = _unit.Number("led-pin", -1);
        var button = _unit.Number("button-pin", -1);
        var pins = led < 0 && button < 0 ? null : new GpioController();
        _led = led < 0 ? null : new StatusLed(pins, led);
        _button = button < 0 ? null : new ResetButton(pins, button);
        var console = _unit.Text("console", "");
        _console = console.Length == 0
            ? null
            : new DeviceConsole(new SerialConsole(console), _agent, platform, _unit.RescuePassword);
    }

    public static void Main()
    {
        try
        {
            new Bootstrap().Live();
        }
        catch (Exception)
        {
            // A fault that nothing expected. The records hold; after a pause the start table decides anew.
            Thread.Sleep(30_000);
            new DevicePower().Restart();
        }
    }

    private static string ChipId()
    {
        var all = NetworkInterface.GetAllNetworkInterfaces();
        for (var i = 0; i < all.Length; i++)
        {
            if (all[i].NetworkInterfaceType == NetworkInterfaceType.Wireless80211)
                return Hex.Encode(all[i].PhysicalAddress);
        }

        return "";
    }

    private void Live()
    {
        _agent.Start();
        while (true)
        {
            Show(_radio.Joined ? Status.Connecting : _radio.ProvisioningOpen ? Status.Provisioning : Status.Joining);
            var wait = _agent.Turn();
            Show(Now());

            // Once, and never in the middle of a trial: the settings are stored, so the next start has the network.
            if (_radio.NeedsRestart && !_agent.OnTrial)
                _agent.RestartForUser();
            Wait(wait);
        }
    }

    private Status Now() => _radio.ProvisioningOpen ? Status.Provisioning
        : !_radio.Joined ? Status.Joining
        : _agent.IsInstalling ? Status.Updating
        : _agent.IsCutOff ? Status.Error
        : Status.Running;

    private void Show(Status status)
    {
        if (_led != null)
            _led.Status = status;
    }

    // What a person does meanwhile ends the waiting.
    private void Wait(int seconds)
    {
        var until = DeviceClock.Milliseconds + seconds * 1000L;
        while (DeviceClock.Milliseconds < until)
        {
            if (_button != null && _button.TakeAsked())
                ClearForPerson();
            if (_console != null && _console.Serve())
                return;
            if (_page.HasSomething)
                return;
            if (ServePins(until))
                return;
            Thread.Sleep(TickMilliseconds);
        }
    }

    // Sends what the application wrote, then listens for as long as the unit's file says; button and console wait for that.
    private bool ServePins(long until)
    {
        var left = (until - DeviceClock.Milliseconds) / 1000;
        return left > 0 && _agent.ServePins(left < _pinWait ? (int)left : _pinWait);
    }

    private void ClearForPerson()
    {
        _agent.ClearCredentials();
        _agent.RestartForUser();
    }
}
