using Hangfire;

namespace Ota.Jobs.Hangfire;

/// <summary>
/// Does what is due, by name. A run that cannot be done is dropped and said in the log: the next one finds all that is
/// due, so there is nothing to retry. The same holds for one that comes while the one before it is still going.
/// </summary>
public interface IDueWorker
{
    // Hangfire takes a job's filters from the method that was planned, which is this one. Deleted runs go after a day;
    // failed ones never would.
    [AutomaticRetry(Attempts = 0, OnAttemptsExceeded = AttemptsExceededAction.Delete)]
    [DisableConcurrentExecution("due-work:{0}", 0)]
    [JobDisplayName("{0}")]
    Task DoAsync(string name, CancellationToken cancellation);
}
