using System.Buffers.Binary;
using System.Net;
using Ota.Server.Limits;

namespace Ota.Server.Tests.Limits;

public sealed class AddressMarksTests
{
    private static readonly long Now = new DateTime(2026, 1, 1).Ticks;
    private readonly AddressMarks _marks = new(RatePolicy.AMinute(60, burst: 10));

    [Fact]
    public void A_hundred_thousand_addresses_take_no_memory_and_none_waits_for_the_others()
    {
        _marks.Take(IPAddress.Loopback, Now);
        var addresses = Enumerable.Range(0, 100_000).Select(Address).ToArray();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var waiting = 0;
        foreach (var address in addresses)
            waiting += _marks.Take(address, Now) is null ? 0 : 1;

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        // Six of each place are taken by then, of ten.
        Assert.InRange(waiting, 0, 10);
    }

    [Fact]
    public void Strangers_do_not_wait_for_a_thousand_addresses_that_never_stop()
    {
        foreach (var attacker in Enumerable.Range(0, 1000).Select(Address))
        {
            for (var i = 0; i < 20; i++)
                _marks.Take(attacker, Now);
            Assert.NotNull(_marks.Take(attacker, Now));
        }

        var waiting = Enumerable.Range(1_000_000, 10_000).Count(stranger => _marks.Take(Address(stranger), Now) is not null);
        Assert.InRange(waiting, 0, 5);
    }

    [Fact]
    public void Even_when_every_place_is_taken_all_is_forgiven_once_it_stops()
    {
        foreach (var attacker in Enumerable.Range(0, 400_000).Select(Address))
            _marks.Take(attacker, Now);
        Assert.NotNull(_marks.Take(Address(1_000_000), Now));

        Assert.Null(_marks.Take(Address(1_000_000), Now + TimeSpan.TicksPerMinute));
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("::1", "127.0.0.1", false)]
    public void An_address_is_all_of_it_or_the_half_of_it_that_a_customer_is_given(string one, string other, bool isSame) =>
        Assert.Equal(isSame, AddressMarks.KeyOf(IPAddress.Parse(one)) == AddressMarks.KeyOf(IPAddress.Parse(other)));

    private static IPAddress Address(int number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, 0x0A000000 + number);
        return new IPAddress(bytes);
    }
}
