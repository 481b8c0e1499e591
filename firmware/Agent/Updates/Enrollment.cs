namespace Ota.Agent;

/// <summary>
/// Asks the server for an identity (docs/protocol.md §3). Only an answer that brings a whole one changes anything.
/// </summary>
internal sealed class Enrollment
{
    private readonly AgentOptions _unit;
    private readonly ServerLink _server;
    private readonly RecordPair _record;

    public Enrollment(AgentOptions unit, ServerLink server, RecordPair record)
    {
        _unit = unit;
        _server = server;
        _record = record;
    }

    /// <summary>The status the server answered with last; 0 for none.</summary>
    public int Status { get; private set; }

    /// <summary>The new identity, stored already; null when the server did not hand one over.</summary>
    /// <exception cref="HttpFaultException">There was no answer, or it broke off.</exception>
    public Identity Ask(string running)
    {
        Status = 0;
        var body = new JsonWriter().Begin()
            .Text("product", _unit.Product)
            .Text("enrollmentKey", _unit.EnrollmentKey)
            .Text("hardwareId", _unit.HardwareId)
            .Text("hardware", _unit.Hardware)
            .Text("running", running)
            .End().ToUtf8();
        using (var answer = _server.Post("/agent/v1/enroll", body))
        {
            Status = answer.Status;
            var identity = Status == 200 || Status == 201 ? Read(_server.ReadJson(answer)) : null;
            if (identity != null)
                identity.Store(_record);
            return identity;
        }
    }

    private static Identity Read(JsonObject json)
    {
        if (json == null)
            return null;
        try
        {
            var identity = new Identity
            {
                Device = json.Text("device"),
                Token = json.Text("token"),
                OrderKey = Base64Url.Decode(json.Text("orderKey")),
            };
            var token = Base64Url.Decode(identity.Token);
            var whole = identity.Device.Length > 0 && identity.Device.Length <= 64
                && token != null && token.Length > 0 && token.Length <= 64
                && identity.OrderKey != null && identity.OrderKey.Length == 32;
            return whole ? identity : null;
        }
        catch (JsonRefusedException)
        {
            return null;
        }
    }
}
