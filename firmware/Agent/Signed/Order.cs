namespace Ota.Agent;

/// <summary>What an order asks for.</summary>
internal enum OrderAction
{
    Install,
    Recover,
    Decommission,
    Rotate,
}

/// <summary>
/// An order as it reads (docs/protocol.md §1.3). Reading says nothing about who wrote it: see <see
/// cref="VerifiedOrder"/>.
/// </summary>
internal sealed class Order
{
    // Numbers stay exact in every JSON reader, and sixteen times one still fits a long.
    private const long HighestNumber = (1L << 53) - 1;

    public string Device;
    public long Number;
    public OrderAction Action;
    public string Deployment;

    /// <summary>Lower-case hex SHA-256 of the statement, or null for an action that needs none.</summary>
    public string Release;

    /// <summary>Unix seconds.</summary>
    public long Expires;

    /// <exception cref="JsonRefusedException">A member is missing, of another kind or out of bounds.</exception>
    public static Order Read(byte[] payload)
    {
        var json = JsonReader.ReadObject(payload, payload.Length);
        var order = new Order
        {
            Device = json.Text("device"),
            Number = json.Number("number", 1, HighestNumber),
            Action = ActionOf(json.Text("action")),
            Deployment = json.Text("deployment"),
            Release = json.OptionalText("release"),
            Expires = json.Number("expires", 0, long.MaxValue),
        };
        if (order.Deployment.Length > 32)
            throw new JsonRefusedException("deployment is too long");
        if (order.Action != OrderAction.Decommission && !Hex.Is(order.Release, 64))
            throw new JsonRefusedException("release is no digest");
        return order;
    }

    private static OrderAction ActionOf(string action)
    {
        switch (action)
        {
            case "install":
                return OrderAction.Install;
            case "recover":
                return OrderAction.Recover;
            case "decommission":
                return OrderAction.Decommission;
            case "rotate":
                return OrderAction.Rotate;
            default:
                throw new JsonRefusedException("an unknown action");
        }
    }
}
