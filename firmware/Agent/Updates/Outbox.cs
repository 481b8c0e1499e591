using System.Collections;

namespace Ota.Agent;

/// <summary>
/// Reports on their way to the server. What ends a deployment, and its confirmation, is kept in the state record until
/// the server has acknowledged it; progress is kept in memory only, for a restart makes it stale.
/// </summary>
internal sealed class Outbox
{
    private const int MostProgress = 8;

    private readonly DeviceState _state;
    private readonly ServerLink _server;
    private readonly IClock _clock;
    private readonly Journal _journal;
    private readonly ArrayList _progress = new ArrayList();

    public Outbox(DeviceState state, ServerLink server, IClock clock, Journal journal)
    {
        _state = state;
        _server = server;
        _clock = clock;
        _journal = journal;
    }

    /// <summary>The report made last, for people; null when none was since the start.</summary>
    public Report Last { get; private set; }

    /// <summary>Notes progress, or a refusal nobody may make durable; lost at a restart.</summary>
    public void Note(ReportState state, long order, string deployment, string detail)
    {
        if (_progress.Count == MostProgress)
            _progress.RemoveAt(0);
        _progress.Add(Make(state, order, deployment, detail));
    }

    /// <summary>Adds to the state a report that must arrive; the caller saves the state.</summary>
    public void Keep(ReportState state, long order, string deployment, string detail) =>
        _state.Add(Make(state, order, deployment, detail));

    /// <summary>
    /// True when an ending report of this deployment has not reached the server yet, so it cannot know better than to
    /// offer it again.
    /// </summary>
    public bool HasEnded(string deployment)
    {
        for (var i = 0; i < _state.Reports.Count; i++)
        {
            var report = (Report)_state.Reports[i];
            if (report.Ends && report.Deployment == deployment)
                return true;
        }

        return false;
    }

    /// <summary>
    /// Sends all of them; true when none is left. One flash write when kept ones were acknowledged, else none.
    /// </summary>
    public bool Deliver()
    {
        if (_progress.Count == 0 && _state.Reports.Count == 0)
            return true;
        var json = new JsonWriter().BeginArray();
        Write(json, _progress);
        Write(json, _state.Reports);
        json.EndArray();
        try
        {
            using (var answer = _server.Post("/agent/v1/reports", json.ToUtf8()))
            {
                if (answer.Status != 204)
                    return false;
            }
        }
        catch (HttpFaultException)
        {
            return false;
        }

        _progress.Clear();
        if (_state.Reports.Count > 0)
        {
            _state.Reports.Clear();
            _state.Save();
        }

        return true;
    }

    private Report Make(ReportState state, long order, string deployment, string detail)
    {
        Last = new Report { State = state, Order = order, Deployment = deployment, Detail = detail, At = _clock.Now };
        _journal.Note("order " + order.ToString() + ": " + Last.StateName + (detail.Length > 0 ? ", " + detail : ""));
        return Last;
    }

    private static void Write(JsonWriter json, ArrayList reports)
    {
        for (var i = 0; i < reports.Count; i++)
            ((Report)reports[i]).WriteJson(json);
    }
}
