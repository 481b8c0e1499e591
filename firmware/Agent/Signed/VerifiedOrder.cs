namespace Ota.Agent;

/// <summary>
/// An order that passed the first four steps of docs/protocol.md §3.3, in that order. There is no other way to make
/// one, so nothing that takes it can run before they did.
/// </summary>
internal sealed class VerifiedOrder
{
    private VerifiedOrder(Order order) => Order = order;

    public Order Order { get; }

    /// <summary>
    /// Checks an order; <paramref name="fault"/> says which step failed and what could be read, and is null when none
    /// did.
    /// </summary>
    /// <param name="identity">This device.</param>
    /// <param name="highest">Highest number accepted so far.</param>
    /// <param name="now">
    /// Unix seconds; 0 (clock not set) lets no order pass, for nobody could say whether it expired.
    /// </param>
    public static VerifiedOrder Check(string compact, Identity identity, long highest, long now, out OrderFault fault)
    {
        var jws = Jws.Read(compact, "HS256", "ota-order+jws");
        var order = jws == null ? null : ReadOrNull(jws.Payload);
        var authentic = jws != null
            && jws.Signature.Length == 32
            && Mac.Same(Mac.Of(identity.OrderKey, jws.SigningInput), jws.Signature, 0);
        var step = order == null || !authentic ? Refusal.OrderSignature
            : order.Device != identity.Device ? Refusal.OrderDevice
            : order.Number <= highest ? Refusal.OrderNumber
            : now <= 0 || order.Expires <= now ? Refusal.OrderExpired
            : null;
        fault = step == null ? null : new OrderFault(step, order);
        return step == null ? new VerifiedOrder(order) : null;
    }

    private static Order ReadOrNull(byte[] payload)
    {
        try
        {
            return Order.Read(payload);
        }
        catch (JsonRefusedException)
        {
            return null;
        }
    }
}

/// <summary>
/// The step an order failed at, with the deployment and the number it claims, which nobody vouches for.
/// </summary>
internal sealed class OrderFault
{
    public OrderFault(string step, Order claimed)
    {
        Step = step;
        Deployment = claimed == null ? "" : claimed.Deployment;
        Number = claimed == null ? 0 : claimed.Number;
    }

    public string Step { get; }

    public string Deployment { get; }

    public long Number { get; }
}
