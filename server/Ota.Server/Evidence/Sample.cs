namespace Ota.Server.Evidence;

/// <summary>What one check-in said that bears on restarts.</summary>
/// <param name="At">UTC milliseconds at which the server heard it.</param>
/// <param name="Rssi">dBm, 0 when unknown.</param>
/// <param name="Uptime">Seconds since the last start.</param>
/// <param name="FreeMemory">Bytes.</param>
/// <param name="Restarts">Starts since manufacture.</param>
/// <param name="Cause">Why it started last, in the words of docs/protocol.md §3.1.</param>
public sealed record Sample(long At, int Rssi, long Uptime, long FreeMemory, long Restarts, string Cause);

/// <summary>How strong the signal is.</summary>
public enum SignalBand
{
    /// <summary>−60 dBm or better.</summary>
    Strong,

    /// <summary>Worse than −60, down to −70 dBm.</summary>
    Good,

    /// <summary>Worse than −70, down to −80 dBm.</summary>
    Fair,

    /// <summary>Worse than −80 dBm.</summary>
    Weak,

    /// <summary>Nothing is known of the signal at that time.</summary>
    Unknown,
}

/// <summary>A piece of a device's life: some time in one band, or some restarts, or both.</summary>
/// <param name="At">UTC milliseconds of its beginning.</param>
/// <param name="Observed">Milliseconds.</param>
/// <param name="Restarts">Those that nobody meant.</param>
/// <param name="Intended">Those that somebody meant: updates, recoveries, a person at the device.</param>
/// <param name="Cause">Of the restarts; empty for a piece without any.</param>
public sealed record Piece(long At, SignalBand Band, long Observed, long Restarts = 0, long Intended = 0, string Cause = "");
