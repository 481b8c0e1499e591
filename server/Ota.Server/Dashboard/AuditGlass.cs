using Ota.Server.Audit;
using Ota.Server.Data;

namespace Ota.Server.Dashboard;

/// <summary>The audit log for all who read it. It is in no memory, so while somebody has it open, its last number is asked for.</summary>
internal sealed class AuditGlass(Database database, Pulse pulse)
{
    private readonly PerBeat<long> _last = new(pulse, () => database.Read(connection => Counters.Last(connection, Counters.Audit)));

    /// <summary>Number of the newest line.</summary>
    public long Last => _last.Value;

    /// <summary>Newest first.</summary>
    public IReadOnlyList<AuditEntry> Before(long? number, int most) =>
        database.Read(connection => AuditLog.Latest(connection, number ?? long.MaxValue, most));
}
