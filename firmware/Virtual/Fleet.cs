using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using Ota.Agent;

namespace Ota.Virtual;

/// <summary>
/// One virtual device or thousands, against a real server. Each is the same agent that runs on the hardware, on a
/// simulated flash that is kept in a file: stopping the process, however rudely, is a power cut.
/// </summary>
public sealed class Fleet : IAsyncDisposable
{
    // Room for any image a developer may want to try; an unused part of the file takes no disk.
    private const int SlotCapacity = 16 * 1024 * 1024;
    private const int MostTurns = 400;
    private const int FaultsUntilGivenUp = 4;
    private const int UnsettledPolls = 4;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);

    // Seconds; a person at the console of a device that listens is answered after that.
    private const int ConsolePinWait = 1;

    private readonly FleetOptions _options;
    private readonly FleetFolder _folder;
    private readonly HttpMessageInvoker _client;
    private readonly NetworkHttp _http;
    private readonly VirtualDevice[] _devices;
    private readonly List<PseudoTerminal> _consoles = [];

    private Fleet(FleetOptions options, FleetFolder folder, List<byte[]> moduli, CancellationToken cancellation)
    {
        _options = options;
        _folder = folder;
        _client = NetworkHttp.CreateClient();
        _http = new NetworkHttp(_client);
        _devices = new VirtualDevice[options.Count];
        for (var i = 0; i < _devices.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            _devices[i] = Make(i);
            _devices[i].Manufacture(moduli, options.KeyCounter);
            _devices[i].Flash.Rest();
        }
    }

    /// <summary>
    /// Opens the fleet in its folder and makes the devices that are not there yet, with the given release keys.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// A key is no RSA-3072 public key with exponent 65537, the count is below 1, or the folder's devices of this product
    /// are made as other hardware.
    /// </exception>
    /// <exception cref="IOException">Another process lives in the folder, or it cannot be written.</exception>
    public static Task<Fleet> OpenAsync(FleetOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Count, 1);
        var moduli = options.ReleaseKeysPem.Select(ModulusOf).ToList();
        return Task.Run(
            () =>
            {
                var folder = FleetFolder.Open(options);
                try
                {
                    return new Fleet(options, folder, moduli, ct);
                }
                catch
                {
                    folder.Dispose();
                    throw;
                }
            },
            ct);
    }

    /// <summary>What the device of this index calls itself.</summary>
    public string HardwareIdOf(int index) => _devices[index].Unit.HardwareId;

    /// <summary>
    /// Gives the device a serial port with its console, served while the fleet lives; the path that programs open.
    /// </summary>
    /// <param name="rescuePassword">From its label.</param>
    /// <exception cref="IOException">This system has no pseudo terminals.</exception>
    public string OpenConsole(int index, string rescuePassword)
    {
        var terminal = new PseudoTerminal();
        _consoles.Add(terminal);
        _devices[index].Wire = terminal;
        _devices[index].RescuePassword = rescuePassword;

        // Whoever is on the cable gives it its networks, and nobody else does.
        _devices[index].Radio.Owner = null;
        _devices[index].Radio.ReachesAny = true;
        return terminal.Path;
    }

    /// <summary>
    /// Lets every device do what there is to do: enroll, check in, install, restart, confirm. Waiting is simulated, so
    /// a trial that fails by its deadline takes no real minutes.
    /// </summary>
    /// <exception cref="ServerUnreachableException">No device got any answer.</exception>
    public async Task<IReadOnlyList<DeviceStatus>> RunOnceAsync(IProgress<DeviceStatus>? progress, CancellationToken ct)
    {
        var answers = _http.Answers;
        var faults = _http.Faults;
        var statuses = new DeviceStatus[_devices.Length];
        _http.Stop = ct;
        await Parallel.ForAsync(
            0,
            _devices.Length,
            new ParallelOptions { MaxDegreeOfParallelism = _options.Parallel, CancellationToken = ct },
            (i, token) =>
            {
                statuses[i] = RunOnce(_devices[i], progress, token);
                return ValueTask.CompletedTask;
            });
        if (_http.Answers == answers && _http.Faults > faults)
            throw new ServerUnreachableException(_options.Server);
        return statuses;
    }

    /// <summary>
    /// Lives until cancelled: each device asks again when the server said, restarts and waits in real time.
    /// </summary>
    public async Task RunAsync(IProgress<DeviceStatus>? progress, CancellationToken ct)
    {
        using var places = new SemaphoreSlim(_options.Parallel);
        _http.Stop = ct;
        var lives = new ConcurrentBag<Task>();
        foreach (var device in _devices)
            lives.Add(LiveAsync(device, places, progress, ct));
        try
        {
            await Task.WhenAll(lives);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // This is how a live run ends.
        }
    }

    public ValueTask DisposeAsync()
    {
        foreach (var device in _devices)
            device.Flash.Rest();
        _consoles.ForEach(console => console.Dispose());
        _client.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    private static byte[] ModulusOf(string pem)
    {
        using var rsa = RSA.Create();
        try
        {
            rsa.ImportFromPem(pem);
        }
        catch (Exception fault) when (fault is ArgumentException or CryptographicException)
        {
            throw new ArgumentException("A release key is not a PEM public key.", nameof(pem), fault);
        }

        var key = rsa.ExportParameters(includePrivateParameters: false);
        return key is { Modulus.Length: RsaKey.Size, Exponent: [1, 0, 1] }
            ? key.Modulus
            : throw new ArgumentException("A release key is RSA-3072 with exponent 65537.", nameof(pem));
    }

    private static DeviceStatus RunOnce(VirtualDevice device, IProgress<DeviceStatus>? progress, CancellationToken ct)
    {
        DeviceStatus? last = null;
        var faults = 0;
        var polls = 0;
        TimeSpan? asksIn = null;
        for (var turns = 0; turns < MostTurns && faults < FaultsUntilGivenUp && polls < UnsettledPolls; turns++)
        {
            ct.ThrowIfCancellationRequested();
            var wait = device.Step();
            last = Tell(device, last, progress);
            if (device.Settled)
            {
                asksIn = TimeSpan.FromSeconds(wait);
                break;
            }

            faults = wait > 0 && device.Agent is { IsCutOff: true } ? faults + 1 : 0;
            polls = wait > 0 && device.Agent is { IsCutOff: false, OnTrial: false, Identity: not null } ? polls + 1 : 0;
            device.Clock.Advance(wait);
        }

        device.Flash.Rest();
        return device.Status() with { AsksIn = asksIn };
    }

    private static DeviceStatus Tell(
        VirtualDevice device, DeviceStatus? last, IProgress<DeviceStatus>? progress, TimeSpan? asksIn = null)
    {
        var status = device.Status();
        if (status != last && device.Agent is not null)
            progress?.Report(status with { AsksIn = asksIn });
        return status;
    }

    private async Task LiveAsync(
        VirtualDevice device,
        SemaphoreSlim places,
        IProgress<DeviceStatus>? progress,
        CancellationToken ct)
    {
        DeviceStatus? last = null;
        device.Clock.Run();
        while (true)
        {
            await places.WaitAsync(ct);
            int wait;
            try
            {
                wait = await Task.Run(device.Step, ct);
                device.Flash.Rest();
            }
            finally
            {
                places.Release();
            }

            var pause = TimeSpan.FromSeconds(wait);
            if (_options.PollOverride is { } cap && pause > cap)
                pause = cap;
            last = Tell(device, last, progress, device.Settled ? pause : null);
            await PauseAsync(device, pause, ct);
        }
    }

    // A line on the console that changes something ends the waiting, and a pin that says to, as on the hardware.
    private static async Task PauseAsync(VirtualDevice device, TimeSpan pause, CancellationToken ct)
    {
        if (device is { Wire: null, Unit.PinWait: 0 })
        {
            await Task.Delay(pause, ct);
            return;
        }

        var paused = Stopwatch.StartNew();
        bool isWanted;
        do
        {
            await Task.Delay(Tick, ct);
            isWanted = device.ServeConsole() || await ServePinsAsync(device, pause - paused.Elapsed, ct);
        }
        while (paused.Elapsed < pause && !isWanted);
    }

    // A thread of its own, as the agent's calls block; the pool's are for those that do something.
    private static Task<bool> ServePinsAsync(VirtualDevice device, TimeSpan left, CancellationToken ct)
    {
        var most = Math.Min(left.TotalSeconds, device.Wire is null ? device.Unit.PinWait : ConsolePinWait);
        return device.Unit.PinWait == 0 || most < 1
            ? Task.FromResult(false)
            : Task.Factory.StartNew(
                () => device.ServePins((int)most), ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private VirtualDevice Make(int index)
    {
        var hardwareId = _folder.HardwareId(_options.Product, index);
        var unit = new AgentOptions
        {
            Server = _options.Server.AbsoluteUri.TrimEnd('/'),
            Product = _options.Product,
            Hardware = _options.Hardware,
            HardwareId = hardwareId,
            EnrollmentKey = _options.EnrollmentKey,
        };
        if (index < FleetOptions.Listeners)
            unit.PinWait = _options.PinWait;
        if (_options.PollOverride is { } cap)
            unit.TrialSeconds = (int)Math.Clamp(3 * cap.TotalSeconds, 30, unit.TrialSeconds);
        var flash = new SimulatedFlash(new FileFlashStore(_folder.FlashFile(hardwareId)));
        var device = new VirtualDevice(unit, flash, SlotCapacity, _http, index, IsBad(index, _options.BadUnits))
        {
            RunsAnyway = _options.BadUnitsRun,
        };
        if (_options.OwnerReprovisions)
            device.Radio.Owner = VirtualDevice.HomeFor("virtual-owner");
        return device;
    }

    // Evenly spread, so that every wave of a rollout gets its share.
    private static bool IsBad(int index, double share) => Math.Floor((index + 1) * share) > Math.Floor(index * share);
}
