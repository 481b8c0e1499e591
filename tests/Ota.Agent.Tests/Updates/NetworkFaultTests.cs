using Ota.Agent.Tests.Lab;
using Ota.Virtual;

namespace Ota.Agent.Tests.Updates;

/// <summary>
/// Bad networks, on the device's own time: what was good stays, nothing is refused that a better hour would bring, and
/// the device comes back to its server.
/// </summary>
public sealed class NetworkFaultTests
{
    // Three chunks: two of 4096 bytes and a short one.
    private static readonly Build Update = Build.Of("2.0.0");

    public static TheoryData<int, bool> Drops
    {
        get
        {
            var drops = new TheoryData<int, bool>();
            foreach (var bytes in (int[])[0, 1, 4095, 4096, 4097, 6000, 8191, 8192, 8193, 9999])
            {
                drops.Add(bytes, true);
                drops.Add(bytes, false);
            }

            return drops;
        }
    }

    [Theory]
    [MemberData(nameof(Drops))]
    public void A_connection_that_drops_after_so_many_bytes_costs_no_good_chunk(int bytes, bool isNoticed)
    {
        var bench = new InstantBench();
        bench.Desk.Deploy("install", Update);
        var drops = 0;
        bench.Wire = (call, network, _) => IsImage(call) && drops++ == 0
            ? new Dropped(network.Send(call), bytes, isNoticed)
            : network.Send(call);

        bench.RunUntilSettled();

        Assert.Equal("2.0.0", bench.Running);
        Assert.Empty(bench.Refusals);
        var froms = bench.Calls.Where(c => c.StartsWith("GET", StringComparison.Ordinal)).Select(c => c.Split(' ')[2]);
        Assert.Equal(new[] { 0, bytes / 4096 * 4096 }.Distinct().Select(from => $"{from}"), froms.Distinct());
    }

    [Fact]
    public void A_connection_that_drops_at_every_single_chunk_still_brings_the_image()
    {
        var bench = new InstantBench();
        var build = Build.Of("2.0.0", size: 16_000);
        bench.Desk.Deploy("install", build);
        bench.Wire = (call, network, _) => IsImage(call) ? new Dropped(network.Send(call), 4097, true) : network.Send(call);

        bench.RunUntilSettled();

        Assert.Equal("2.0.0", bench.Running);
        Assert.Equal(4, bench.Calls.Count(c => c.StartsWith("GET", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(100, true)]
    [InlineData(40, true)]
    [InlineData(10, false)]
    [InlineData(1, false)]
    public void A_slow_drip_is_waited_for_while_it_gets_anywhere_and_never_keeps_the_device_from_its_server(
        int bytesPerSecond, bool arrives)
    {
        var bench = new InstantBench();
        bench.Desk.Deploy("install", Update);
        bench.Wire = (call, network, clock) =>
            IsImage(call) ? new Drip(network.Send(call), clock, bytesPerSecond) : network.Send(call);

        bench.Run(6 * 3600);

        Assert.Equal(arrives ? "2.0.0" : "1.0.0", bench.Running);
        Assert.Empty(bench.Refusals);
        Assert.InRange(bench.Desk.CheckIns.Count, 3, 100);
        bench.Wire = null;
        bench.RunUntilSettled();
        Assert.Equal("2.0.0", bench.Running);
    }

    [Fact]
    public void An_answer_to_a_check_in_that_never_ends_is_given_up()
    {
        var bench = new InstantBench();
        bench.Desk.Deploy("install", Update);
        bench.Wire = (call, network, clock) => new Drip(network.Send(call), clock, bytesPerSecond: 1);

        bench.Run(3600);

        Assert.Equal("1.0.0", bench.Running);
        Assert.InRange(bench.Desk.CheckIns.Count, 3, 60);
        Assert.DoesNotContain(bench.Desk.Reports, r => r.State == "accepted");
        bench.Wire = null;
        bench.RunUntilSettled();
        Assert.Equal("2.0.0", bench.Running);
    }

    [Theory]
    [InlineData("/images/again")]
    [InlineData("http://desk/images/again")]
    [InlineData("http://elsewhere/a")]
    [InlineData("//")]
    [InlineData("?")]
    [InlineData("ftp://desk/image")]
    [InlineData("javascript:alert(1)")]
    [InlineData("")]
    public void Redirects_that_lead_nowhere_are_followed_three_times_and_then_left_for_later(string location)
    {
        var bench = new InstantBench();
        bench.Desk.Deploy("install", Update);
        bench.Wire = (call, network, _) => !call.Url.Contains("/agent/", StringComparison.Ordinal)
            ? new Redirect(network.Send(call), location)
            : network.Send(call);

        bench.Run(60);
        var images = bench.Calls.Count(c => c.StartsWith("GET", StringComparison.Ordinal));
        bench.Run(6 * 3600);

        // Attempts in the first minute, four calls each at the most.
        Assert.InRange(images, 1, 16);
        Assert.Equal("1.0.0", bench.Running);
        Assert.Empty(bench.Refusals);
        bench.Wire = null;
        bench.RunUntilSettled();
        Assert.Equal("2.0.0", bench.Running);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_portals_page_in_place_of_the_image_is_no_image(bool isLong)
    {
        var bench = new InstantBench();
        bench.Desk.Deploy("install", Update);
        var page = new Answered(200, new byte[isLong ? 9_000 : 300]);
        page.Headers["Content-Type"] = "text/html; charset=utf-8";
        bench.Wire = (call, network, _) => IsImage(call) ? new Portal(network.Send(call), page) : network.Send(call);

        bench.Run(6 * 3600);
        Assert.Equal("1.0.0", bench.Running);
        Assert.Empty(bench.Refusals);

        bench.Wire = null;
        bench.RunUntilSettled();
        Assert.Equal("2.0.0", bench.Running);
    }

    [Theory]
    [InlineData(1970)]
    [InlineData(1999)]
    [InlineData(2099)]
    public void A_Date_years_off_clears_nothing_and_is_over_with_the_next_right_one(int year)
    {
        var bench = new InstantBench();
        var right = bench.Desk.Now;
        bench.Desk.Now = new DateTimeOffset(year, 6, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds();
        bench.Desk.Deploy("install", Update);

        bench.Run(3 * 3600);

        // In the future every order has expired. In the past none has, and it is carried out as it would have been.
        Assert.Equal(1, bench.Device.Agent!.Networks.Count);
        Assert.NotNull(bench.Device.Agent.Identity);
        Assert.DoesNotContain(bench.Refusals, step => step != "order-expired");
        bench.Desk.Now = right;
        bench.Desk.Deploy("install", Update);
        bench.RunUntilSettled();
        Assert.Equal("2.0.0", bench.Running);
    }

    [Fact]
    public void A_slot_that_is_full_after_any_number_of_chunks_fails_that_deployment_only()
    {
        for (var chunks = 0; chunks < 3; chunks++)
        {
            var store = PowerCuts.Scenario.Named("update").Start.Clone();
            var isFull = true;
            var limit = FlashLayout.ImageOffset(1, PowerCuts.Scenario.SlotCapacity) + chunks * 4096;
            var desk = new ProtocolDesk();
            var device = new VirtualDevice(
                PowerCuts.Scenario.Unit,
                new SimulatedFlash(new FaultyFlashStore(store, (offset, bytes) =>
                    isFull && offset >= limit ? throw new StorageFaultException("full") : bytes)),
                PowerCuts.Scenario.SlotCapacity,
                new InstantHttp(desk),
                seed: 1,
                badUnit: false);
            desk.Deploy("install", Update);
            Settle(device);
            Assert.Equal(("failed", "storage"), desk.Reports.Select(r => (r.State, r.Detail)).Last());
            Assert.Equal("1.0.0", device.Agent!.Running.Version);

            isFull = false;
            desk.Deploy("install", Update);
            Settle(device);
            Assert.Equal("2.0.0", device.Agent!.Running.Version);
        }
    }

    private static void Settle(VirtualDevice device)
    {
        var turns = 0;
        do
        {
            device.Clock.Advance(device.Step());
        }
        while (!device.Settled && turns++ < 200);
        Assert.True(device.Settled);
    }

    private static bool IsImage(HttpCall call) => call.Url.Contains("/images/", StringComparison.Ordinal);

    /// <summary>Breaks off after so many bytes, with an error or as if that were all.</summary>
    private sealed class Dropped(IHttpAnswer inner, int bytes, bool isNoticed) : BentAnswer(inner)
    {
        private int _left = bytes;

        public override int Read(byte[] buffer, int offset, int count)
        {
            if (_left == 0 && isNoticed)
                throw new HttpFaultException("dropped");
            var read = base.Read(buffer, offset, Math.Min(count, _left));
            _left -= read;
            return read;
        }
    }

    /// <summary>A byte now and then, never so late that a read would time out.</summary>
    private sealed class Drip(IHttpAnswer inner, VirtualClock clock, int bytesPerSecond) : BentAnswer(inner)
    {
        public override int Read(byte[] buffer, int offset, int count)
        {
            clock.Advance(1);
            return base.Read(buffer, offset, Math.Min(count, bytesPerSecond));
        }
    }

    private sealed class Redirect(IHttpAnswer inner, string location) : BentAnswer(inner)
    {
        public override int Status => 302;

        public override string? Header(string name) => name == "Location" ? location : base.Header(name);
    }

    private sealed class Portal(IHttpAnswer inner, Answered page) : BentAnswer(inner)
    {
        private int _read;

        public override int Status => page.Status;

        public override string? Header(string name) => page.Headers.GetValueOrDefault(name);

        public override int Read(byte[] buffer, int offset, int count)
        {
            count = Math.Min(count, page.Body.Length - _read);
            _read += count;
            return count;
        }
    }
}
