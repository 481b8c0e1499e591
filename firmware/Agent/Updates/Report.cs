namespace Ota.Agent;

/// <summary>
/// States a deployment is reported in (docs/protocol.md §3.4); the number is part of a report's <c>seq</c>.
/// </summary>
internal enum ReportState
{
    Accepted = 1,
    Downloading = 2,
    Downloaded = 3,
    Trial = 4,
    Confirmed = 5,
    Reverted = 6,
    Refused = 7,
    Failed = 8,
}

/// <summary>
/// One thing to tell the server about a deployment. Its <c>seq</c> follows from it, so that none needs storing.
/// </summary>
internal sealed class Report
{
    private static readonly string[] Names =
    {
        "", "accepted", "downloading", "downloaded", "trial", "confirmed", "reverted", "refused", "failed",
    };

    public long Order;
    public ReportState State;
    public string Deployment = "";
    public string Detail = "";

    /// <summary>Unix seconds, 0 if the clock was not set.</summary>
    public long At;

    /// <summary>
    /// order number × 16 + state: grows with the orders, and is the same however often the report is sent.
    /// </summary>
    public long Sequence => Order * 16 + (long)State;

    /// <summary>True when nothing more can come for the deployment, and offering it again would be a mistake.</summary>
    public bool Ends => State >= ReportState.Confirmed;

    public string StateName => Names[(int)State];

    public static Report Read(ByteReader reader) => new Report
    {
        Order = reader.Long(),
        State = (ReportState)reader.Byte(),
        Deployment = reader.Text(),
        Detail = reader.Text(),
        At = reader.Long(),
    };

    public void Write(ByteWriter writer)
    {
        writer.Long(Order);
        writer.Byte((int)State);
        writer.Text(Deployment);
        writer.Text(Detail);
        writer.Long(At);
    }

    public void WriteJson(JsonWriter json)
    {
        json.Begin().Number("seq", Sequence).Number("at", At).Text("deployment", Deployment).Text("state", StateName);
        if (Detail.Length > 0)
            json.Text("detail", Detail);
        json.End();
    }
}
