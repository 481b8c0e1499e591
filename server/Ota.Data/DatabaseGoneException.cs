using System.Data.Common;

namespace Ota.Server.Data;

/// <summary>The database does not answer: it restarts, or the network to it is gone. What was asked is not known to be kept.</summary>
internal sealed class DatabaseGoneException(Exception inner) : DbException(inner.Message, inner);
