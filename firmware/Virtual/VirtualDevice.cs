using System.Security.Cryptography;
using Ota.Agent;

namespace Ota.Virtual;

/// <summary>One device: the agent on simulated hardware. It is off until the first <see cref="Step"/>.</summary>
internal sealed class VirtualDevice(
    AgentOptions unit, SimulatedFlash flash, int slotCapacity, IHttp http, int seed, bool badUnit)
{
    /// <summary>
    /// The network a new device knows from the factory, and that its owner gives it again after a recovery.
    /// </summary>
    public const string HomeSsid = "virtual-home";

    private const string HomePassword = "virtual-password";
    private readonly FlashLayout _layout = new(flash, slotCapacity);
    private readonly VirtualPower _power = new(seed);
    private VirtualLoader? _loader;
    private int _recoveryRuns;
    private DeviceAgent? _agent;
    private Report? _lastReport;
    private DeviceConsole? _console;

    public AgentOptions Unit => unit;

    /// <summary>The one version that a bad unit runs as well as any.</summary>
    public string? RunsAnyway { get; init; }

    public SimulatedFlash Flash => flash;

    public VirtualClock Clock { get; } = new();

    public VirtualRadio Radio { get; } = new(-45 - seed % 30) { InReach = { [HomeSsid] = HomePassword } };

    /// <summary>What its application has to do with pins.</summary>
    public VirtualPins Pins { get; } = new();

    /// <summary>Its serial port; null for none.</summary>
    public IConsoleWire? Wire { get; set; }

    /// <summary>The password on its label, which the console asks for; empty for none.</summary>
    public string RescuePassword { get; set; } = "";

    /// <summary>The agent while the device is on.</summary>
    public DeviceAgent? Agent => _agent;

    public ISlot[] Slots => _layout.Slots;

    public IRecords Records => _layout.Records;

    /// <summary>True when the last step found nothing left to do until the next poll.</summary>
    public bool Settled => _agent is { Settled: true };

    /// <summary>How often a recovery image was started on this device.</summary>
    public int RecoveryRuns => _recoveryRuns + (_loader?.RecoveryRuns ?? 0);

    /// <summary>SHA-256 that the loader computed over the bytes it started, or null.</summary>
    public string? BootedSha256 => _agent?.Running is null ? null : _loader?.BootedSha256;

    public static Provisioned HomeFor(string owner) =>
        new() { Network = new Network { Ssid = HomeSsid, Password = HomePassword }, Owner = owner };

    /// <summary>
    /// Does at the factory what is done once: the release keys and the first network. Does nothing on a finished
    /// device.
    /// </summary>
    public void Manufacture(IReadOnlyList<byte[]> moduli, int keyCounter)
    {
        var record = new RecordPair(Records, RecordKind.Keys);
        if (record.Read() is not null)
            return;
        new Networks(new RecordPair(Records, RecordKind.Networks)).Add(HomeFor(""));

        // The keys come last: with them the device is finished.
        var keys = moduli.Select(modulus => RsaKey.FromModulus(modulus)
            ?? throw new CryptographicException("A release key is RSA-3072 with an odd modulus.")).ToArray();
        new TrustedKeys(record).Replace(keys, keyCounter, "");
    }

    /// <summary>
    /// Starts the device if it is off, and lets it do what is due; the seconds until it wants to be called again.
    /// </summary>
    /// <exception cref="PowerCutException">The flash's power cut came; the device is off.</exception>
    public int Step()
    {
        try
        {
            if (_agent is null)
                Start();
            var wait = _agent!.Turn();
            Remember();
            return wait;
        }
        catch (RestartException)
        {
            Remember();
            _agent = null;
            return 0;
        }
        catch
        {
            // A power cut, or the run was stopped in the middle of a call: either way the device is off now.
            _agent = null;
            throw;
        }
    }

    /// <summary>Answers what its console was asked; true when it wants its next <see cref="Step"/> at once.</summary>
    public bool ServeConsole()
    {
        try
        {
            return _agent is not null && _console?.Serve() == true;
        }
        catch (RestartException)
        {
            Remember();
            _agent = null;
            return true;
        }
    }

    /// <summary>
    /// Listens for its pins, for so many seconds at the most; true when it wants its next <see cref="Step"/> at once.
    /// </summary>
    public bool ServePins(int most) => _agent is not null && _agent.ServePins(most);

    /// <summary>Cuts the power between two operations.</summary>
    public void PowerOff() => _agent = null;

    public DeviceStatus Status()
    {
        var agent = _agent;
        var (state, detail) = StateAndDetail(agent);
        return new DeviceStatus(
            unit.HardwareId,
            agent?.Identity?.Device,
            agent?.Running?.Version ?? "0.0.0",
            agent?.Running is null ? "none" : RunningSlot(agent) == 0 ? "A" : "B",
            state,
            detail) { ImageSha256 = BootedSha256, UnknownToServer = agent is { Identity: not null, Settled: false, LastStatus: 401 } };
    }

    private static int RunningSlot(DeviceAgent agent) =>
        agent.OnTrial ? agent.State.CandidateIndex : agent.State.Active;

    private (string State, string? Detail) StateAndDetail(DeviceAgent? agent) => agent switch
    {
        null => ("restarting", null),
        { Identity: null, LastStatus: 0 } => ("unreachable", "no answer"),
        { Identity: null } => ("not-enrolled", $"the server answered {agent.LastStatus}"),
        { Settled: false, OnTrial: false, LastStatus: not (200 or 204 or 0) and var status } =>
            ("waiting", $"the server answered {status}"),
        _ when _lastReport is { Detail: "" } => (_lastReport.StateName, null),
        _ when _lastReport is not null => (_lastReport.StateName, _lastReport.Detail),
        _ => ("idle", null),
    };

    private void Start()
    {
        Radio.PowerOn();
        Clock.PowerOn();
        _recoveryRuns = RecoveryRuns;
        _loader = new VirtualLoader(badUnit, RunsAnyway);
        var platform = new Platform
        {
            Records = Records,
            Slots = Slots,
            Radio = Radio,
            Clock = Clock,
            Http = http,
            Power = _power,
            Loader = _loader,
            Pins = Pins,
        };
        _agent = new DeviceAgent(unit, platform);
        _console = Wire is null ? null : new DeviceConsole(Wire, _agent, platform, RescuePassword);
        _agent.Start();
        Remember();
    }

    private void Remember()
    {
        if (_agent is null)
            return;
        _lastReport = _agent.LastReport ?? _lastReport;
        if (_agent.State.Reports.Count > 0)
            _lastReport = (Report?)_agent.State.Reports[^1];
    }
}
