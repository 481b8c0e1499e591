using System.Text;

namespace Ota.Agent;

/// <summary>
/// The steps of docs/protocol.md §3.3 from the statement's hash on. Each takes a <see cref="VerifiedOrder"/>, so none
/// can run before the order's own steps have.
/// </summary>
internal sealed class StatementCheck
{
    private readonly AgentOptions _unit;
    private readonly TrustedKeys _trusted;

    public StatementCheck(AgentOptions unit, TrustedKeys trusted)
    {
        _unit = unit;
        _trusted = trusted;
    }

    /// <summary>The step at which the statement failed, or null when it may be acted on.</summary>
    /// <param name="floor">The lowest security counter that may still run.</param>
    /// <param name="capacity">Bytes of the slot it would go to.</param>
    /// <param name="release">The release, once its signature was found good.</param>
    public string Release(VerifiedOrder verified, string compact, int floor, int capacity, out ReleaseStatement release)
    {
        var order = verified.Order;
        release = null;
        if (!HashFits(order, compact))
            return Refusal.StatementHash;
        release = Signed(compact, order.Release);
        if (release == null)
            return Refusal.StatementSignature;
        if (release.Product != _unit.Product)
            return Refusal.Product;
        if (!release.IsFor(_unit.Hardware))
            return Refusal.Hardware;
        var wanted = order.Action == OrderAction.Recover
            ? ReleaseStatement.RecoveryKind
            : ReleaseStatement.ApplicationKind;
        if (release.Kind != wanted)
            return Refusal.Kind;
        if (release.SecurityCounter < floor)
            return Refusal.SecurityCounter;
        return release.Size > capacity ? Refusal.Size : null;
    }

    /// <summary>
    /// The same for a key statement; its counter must be above the last one, which fails as <c>security-counter</c>.
    /// </summary>
    public string Keys(VerifiedOrder verified, string compact, out KeyStatement keys)
    {
        keys = null;
        if (!HashFits(verified.Order, compact))
            return Refusal.StatementHash;
        keys = SignedKeys(compact);
        if (keys == null)
            return Refusal.StatementSignature;
        if (keys.Product != _unit.Product)
            return Refusal.Product;
        return keys.Counter <= _trusted.Counter ? Refusal.SecurityCounter : null;
    }

    private static bool HashFits(Order order, string compact) =>
        compact != null
        && compact.Length <= Jws.Longest
        && Hex.Encode(Sha256.Of(Encoding.UTF8.GetBytes(compact))) == order.Release;

    private ReleaseStatement Signed(string compact, string hash)
    {
        var jws = Jws.Read(compact, "RS256", "ota-release+jws");
        if (jws == null || !_trusted.Verify(jws))
            return null;
        try
        {
            return ReleaseStatement.Read(jws.Payload, hash);
        }
        catch (JsonRefusedException)
        {
            return null;
        }
    }

    private KeyStatement SignedKeys(string compact)
    {
        var jws = Jws.Read(compact, "RS256", "ota-keys+jws");
        if (jws == null || !_trusted.Verify(jws))
            return null;
        try
        {
            return KeyStatement.Read(jws.Payload);
        }
        catch (JsonRefusedException)
        {
            return null;
        }
    }
}
