namespace Ota.Agent;

/// <summary>The steps of docs/protocol.md §3.3 by the names they are reported under.</summary>
internal static class Refusal
{
    public const string OrderSignature = "order-signature";
    public const string OrderDevice = "order-device";
    public const string OrderNumber = "order-number";
    public const string OrderExpired = "order-expired";
    public const string StatementHash = "statement-hash";
    public const string StatementSignature = "statement-signature";
    public const string Product = "product";
    public const string Hardware = "hardware";
    public const string Kind = "kind";
    public const string SecurityCounter = "security-counter";
    public const string Size = "size";
    public const string Chunk = "chunk";
    public const string Image = "image";
}
