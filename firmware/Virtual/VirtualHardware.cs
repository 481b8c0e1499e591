using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Ota.Agent;

namespace Ota.Virtual;

/// <summary>The agent asked for a restart. Nothing but the device's own loop may catch this.</summary>
internal sealed class RestartException : Exception
{
    public RestartException()
        : base("The device restarts.")
    {
    }
}

internal sealed class VirtualPower(int seed) : IPower
{
    private readonly Random _random = new(seed);

    public int FreeMemory => 61_440;

    public void Restart() => throw new RestartException();

    public int Random(int below) => _random.Next(below);
}

/// <summary>
/// Time that passes when it is told to, or in a live run by itself. A start loses the wall clock, as it does on the hardware.
/// </summary>
internal sealed class VirtualClock : IClock
{
    private long _passed;
    private Stopwatch? _running;
    private long _started;
    private long? _offset;

    public long Now => _offset + Elapsed ?? 0;

    public long Uptime => Elapsed - _started;

    /// <summary>Seconds that have passed for the device since it was made.</summary>
    public long Elapsed => _passed + (long)(_running?.Elapsed.TotalSeconds ?? 0);

    public void Set(long unixSeconds) => _offset = unixSeconds - Elapsed;

    public void Advance(long seconds) => _passed += seconds;

    /// <summary>From now on it passes by itself.</summary>
    public void Run() => _running ??= Stopwatch.StartNew();

    public void PowerOn()
    {
        _started = Elapsed;
        _offset = null;
    }
}

/// <summary>A radio, the networks within its reach, and the person who would provision the device.</summary>
internal sealed class VirtualRadio(int rssi = -60) : IRadio
{
    private Provisioned? _handed;

    /// <summary>Passwords of the networks in reach, by SSID.</summary>
    public Dictionary<string, string> InReach { get; } = [];

    /// <summary>What a person hands over as soon as the access point is open; null when nobody is there.</summary>
    public Provisioned? Owner { get; set; }

    /// <summary>True where every network is in reach, whatever its password.</summary>
    public bool ReachesAny { get; set; }

    /// <summary>Asked for what a person hands over, in place of <see cref="Owner"/>; null when nobody is.</summary>
    public Func<Provisioned?>? Person { get; set; }

    public List<string> Attempts { get; } = [];

    public bool Joined { get; private set; }

    public int Rssi => Joined ? rssi : 0;

    public bool ProvisioningOpen { get; private set; }

    public bool Join(string ssid, string password)
    {
        Attempts.Add(ssid);
        return Joined = ReachesAny || (InReach.TryGetValue(ssid, out var right) && right == password);
    }

    public void OpenProvisioning()
    {
        ProvisioningOpen = true;
        _handed = Person is null ? Owner : Person();
    }

    public void CloseProvisioning() => ProvisioningOpen = false;

    public Provisioned? TakeProvisioned()
    {
        var handed = _handed;
        _handed = null;
        return handed;
    }

    public void Forget() => Joined = false;

    public void PowerOn()
    {
        Joined = false;
        ProvisioningOpen = false;
        _handed = null;
    }
}

/// <summary>An application that keeps what it is told by pins, and writes what a test or a person says.</summary>
internal sealed class VirtualPins : IPins
{
    /// <summary>Values that apps wrote, by pin; since the device was made.</summary>
    public ConcurrentDictionary<int, string> Told { get; } = new();

    public PinQueue Writes { get; } = new();

    public PinWrite? Next() => Writes.Take();

    public void Written(int pin, string value) => Told[pin] = value;
}

/// <summary>
/// Starts images that are no programs: any bytes run well, unless they begin with one of the two markers. What it
/// reports as booted is what it read and hashed itself.
/// </summary>
internal sealed class VirtualLoader : ILoader
{
    /// <summary>An image that begins so starts, and then never says that it works.</summary>
    public const string NeverChecksIn = "OTA-VIRTUAL-NEVER-CHECKS-IN";

    /// <summary>An image that begins so crashes when it is started.</summary>
    public const string Crashes = "OTA-VIRTUAL-CRASHES";

    private readonly bool _badUnit;
    private readonly string? _runsAnyway;

    /// <param name="badUnit">True for a unit on which no new image ever checks in.</param>
    /// <param name="runsAnyway">A version that even a bad unit runs; null for none.</param>
    public VirtualLoader(bool badUnit, string? runsAnyway = null) => (_badUnit, _runsAnyway) = (badUnit, runsAnyway);

    public bool Ready { get; private set; }

    /// <summary>SHA-256 of the bytes that were started, lower-case hex; null when nothing was.</summary>
    public string? BootedSha256 { get; private set; }

    /// <summary>How often a recovery image was started on this hardware since its start.</summary>
    public int RecoveryRuns { get; private set; }

    public bool CanStart(ReleaseStatement release, ISlot slot) => true;

    public bool Start(ReleaseStatement release, ISlot slot, SlotState state)
    {
        var head = Inspect(release, slot);

        // A slot that holds other bytes than the statement names is not started, whatever anybody ordered.
        if (BootedSha256 != release.Sha256 || Begins(head, Crashes))
            return false;
        Ready = !Begins(head, NeverChecksIn) && !(_badUnit && state == SlotState.Trial && release.Version != _runsAnyway);
        return true;
    }

    public bool RunRecovery(ReleaseStatement release, ISlot slot, CredentialClearing clearing)
    {
        RecoveryRuns++;
        if (Begins(Inspect(release, slot), Crashes) || BootedSha256 != release.Sha256)
            return false;
        clearing.Run();
        return true;
    }

    private byte[] Inspect(ReleaseStatement release, ISlot slot)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] head = [];
        for (var i = 0; i < release.ChunkCount; i++)
        {
            var chunk = new byte[release.LengthOf(i)];
            if (slot.Read(i * release.ChunkSize, chunk))
                sha.AppendData(chunk);
            if (i == 0)
                head = chunk;
        }

        BootedSha256 = Convert.ToHexStringLower(sha.GetHashAndReset());
        return head;
    }

    private static bool Begins(byte[] head, string marker) => head.AsSpan().StartsWith(Encoding.ASCII.GetBytes(marker));
}
