using Ota.Agent.Tests.Lab;
using Ota.Virtual;

namespace Ota.Agent.Tests.PowerCuts;

/// <summary>One flow that the power is cut in, and what must be true of it whenever and however often that happens.</summary>
internal sealed record Scenario(string Name, MemoryFlashStore Start)
{
    public const int SlotCapacity = 16 * 1024;

    private const string NextSsid = "next-home";
    private const string NextPassword = "another-password";
    private const long FirstBundle = 1000;

    private static readonly Build First = Build.Of("1.0.0");
    private static readonly Build Second = Build.Of("2.0.0", counter: 5);
    private static readonly Build Recovery = Build.Recovery();
    private static readonly Build Crashing = Build.Of("2.0.0", counter: 5, content: "OTA-VIRTUAL-CRASHES");
    private static readonly Build Hanging = Build.Of("2.0.0", counter: 5, content: "OTA-VIRTUAL-NEVER-CHECKS-IN");

    /// <summary>What the server orders, one after the other.</summary>
    public Action<ProtocolDesk> Orders { get; init; } = _ => { };

    /// <summary>Images that may ever be seen to run; null stands for the bootstrap alone.</summary>
    public required IReadOnlyList<Build?> MayRun { get; init; }

    /// <summary>What runs in the end.</summary>
    public required Build EndsWith { get; init; }

    public int Floor { get; init; } = 1;

    /// <summary>How often credentials are cleared: each time by an order, never without one.</summary>
    public int Clearings { get; init; }

    /// <summary>How often a recovery image may be started, at the most.</summary>
    public int RecoveryRuns { get; init; }

    /// <summary>True when somebody hands over a new network as soon as the access point opens.</summary>
    public bool IsProvisioned { get; init; }

    /// <summary>True when what is handed over is a bundle, another one each time.</summary>
    public bool IsSealed { get; init; }

    /// <summary>True when the networks known at the start are out of reach.</summary>
    public bool RouterIsGone { get; init; }

    /// <summary>True when the device is to trust the next key in the end.</summary>
    public bool Rotates { get; init; }

    /// <summary>
    /// What the device reports last; null where the power may go before it can say so, and a wipe forgets what was to
    /// be said.
    /// </summary>
    public string? Ending { get; init; } = "confirmed";

    /// <summary>True when every third call fails, answered or not.</summary>
    public bool NetworkIsBad { get; init; }

    /// <summary>True for a flow too long to try everything in every run.</summary>
    public bool IsSampled { get; init; }

    public static IReadOnlyList<Scenario> All { get; } = Make();

    public static Scenario Named(string name) => All.Single(scenario => scenario.Name == name);

    public static AgentOptions Unit => new()
    {
        Server = "http://desk",
        Product = "thermostat",
        Hardware = "virtual",
        HardwareId = Bench.HardwareId,
        EnrollmentKey = Vectors.Secret("enrollmentKey"),
    };

    public VirtualDevice DeviceOn(FlashStore store, ProtocolDesk desk)
    {
        var device = DeviceOn(new SimulatedFlash(store), desk, NetworkIsBad);
        device.Radio.InReach[NextSsid] = NextPassword;
        if (RouterIsGone)
            device.Radio.InReach.Remove(VirtualDevice.HomeSsid);
        if (IsProvisioned)
        {
            var network = new Network { Ssid = NextSsid, Password = NextPassword };
            device.Radio.Owner = new Provisioned { Network = network, Owner = "next owner" };
            var number = FirstBundle;
            if (IsSealed)
                device.Radio.Person = () => new Provisioned { Bundle = BundleDraft.Of(number++, NextSsid, NextPassword, "next owner") };
        }

        return device;
    }

    private static VirtualDevice DeviceOn(SimulatedFlash flash, ProtocolDesk desk, bool networkIsBad = false) =>
        new(Unit, flash, SlotCapacity, new InstantHttp(desk, networkIsBad), seed: 1, badUnit: false);

    private static Scenario[] Make()
    {
        var manufactured = new MemoryFlashStore(FlashLayout.SizeFor(SlotCapacity));
        DeviceOn(new SimulatedFlash(manufactured), new ProtocolDesk())
            .Manufacture([Vectors.Modulus(Vectors.ReleaseKey)], keyCounter: 0);
        var running = After(manufactured, desk => desk.Deploy("install", First));
        var updated = After(running, desk => desk.Deploy("install", Second));
        var stranded = running.Clone();
        new Networks(new RecordPair(Records(stranded), RecordKind.Networks)).Clear();
        var keys = Vectors.Text("keys.jws");
        var byNextKey = SignedByNextKey("3.0.0", counter: 6);

        return
        [
            new("update", running)
            {
                Orders = desk => desk.Deploy("install", Second),
                MayRun = [First, Second],
                EndsWith = Second,
                Floor = 5,
            },
            new("first-install", manufactured)
            {
                Orders = desk => desk.Deploy("install", First),
                MayRun = [null, First],
                EndsWith = First,
            },
            new("revert-of-a-crash", running)
            {
                Orders = desk => desk.Deploy("install", Crashing),
                MayRun = [First],
                EndsWith = First,
                Ending = "reverted",
            },
            new("revert-of-a-hang", running)
            {
                Orders = desk => desk.Deploy("install", Hanging),
                MayRun = [First, Hanging],
                EndsWith = First,
                Ending = "reverted",
            },
            new("recovery", running)
            {
                Orders = desk => desk.Deploy("recover", Recovery),
                MayRun = [First],
                EndsWith = First,
                Clearings = 1,
                RecoveryRuns = 1,
                IsProvisioned = true,
            },
            new("recovery-that-crashes", updated)
            {
                Orders = desk => desk.Deploy("recover", Build.Recovery("OTA-VIRTUAL-CRASHES", counter: 5)),
                MayRun = [Second],
                EndsWith = Second,
                Floor = 5,
                Clearings = 1,
                RecoveryRuns = 1,
                IsProvisioned = true,
            },
            new("decommission", running)
            {
                Orders = desk => desk.Deploy("decommission", null),
                MayRun = [First],
                EndsWith = First,
                Clearings = 1,
                IsProvisioned = true,
                Ending = null,
            },
            new("recovery-on-a-bad-network", running)
            {
                Orders = desk => desk.Deploy("recover", Recovery),
                MayRun = [First],
                EndsWith = First,
                Clearings = 1,
                RecoveryRuns = 1,
                IsProvisioned = true,
                NetworkIsBad = true,
            },
            new("provisioning", stranded)
            {
                MayRun = [First],
                EndsWith = First,
                IsProvisioned = true,
                Ending = "",
            },
            new("a-bundle", stranded)
            {
                MayRun = [First],
                EndsWith = First,
                IsProvisioned = true,
                IsSealed = true,
                Ending = "",
            },
            new("new-router", running)
            {
                MayRun = [First],
                EndsWith = First,
                IsProvisioned = true,
                RouterIsGone = true,
                Ending = "",
            },
            new("rotation", running)
            {
                Orders = desk =>
                {
                    desk.Deploy("rotate", null, keys: keys);
                    desk.Deploy("install", byNextKey);
                },
                MayRun = [First, byNextKey],
                EndsWith = byNextKey,
                Floor = 6,
                Rotates = true,
            },
            new("whole-life", manufactured)
            {
                Orders = desk =>
                {
                    desk.Deploy("install", First);
                    desk.Deploy("install", Second);
                    desk.Deploy("recover", Build.Recovery(counter: 5));
                    desk.Deploy("rotate", null, keys: keys);
                    desk.Deploy("install", byNextKey);
                    desk.Deploy("decommission", null);
                },
                MayRun = [null, First, Second, byNextKey],
                EndsWith = byNextKey,
                Floor = 6,
                Clearings = 2,
                RecoveryRuns = 1,
                IsProvisioned = true,
                Rotates = true,
                Ending = null,
                IsSampled = true,
            },
        ];
    }

    public static IRecords Records(FlashStore store) => new FlashLayout(new SimulatedFlash(store), SlotCapacity).Records;

    private static MemoryFlashStore After(MemoryFlashStore start, Action<ProtocolDesk> orders)
    {
        var (store, desk) = (start.Clone(), new ProtocolDesk());
        orders(desk);
        var device = DeviceOn(new SimulatedFlash(store), desk);
        for (var turns = 0; turns < 50 && !device.Settled; turns++)
            device.Clock.Advance(device.Step());
        Assert.True(device.Settled);
        return store;
    }

    private static Build SignedByNextKey(string version, int counter)
    {
        var image = Build.ImageOf("image " + version);
        return new Build(Build.Stated(version, counter, image).Sign(Vectors.NextKey), image);
    }
}
