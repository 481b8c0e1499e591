using Spectre.Console;

namespace Ota.Cli.Output;

/// <summary>A progress bar on stderr while bytes move, and nothing at all when nobody looks at stderr.</summary>
internal static class TransferBar
{
    /// <param name="title">What is being done, one or two words.</param>
    /// <param name="size">Bytes in all.</param>
    /// <param name="work">Reports the bytes done so far; its progress is null when nobody looks.</param>
    public static async Task<T> ShowAsync<T>(string title, long size, Func<IProgress<long>?, Task<T>> work)
    {
        if (!Screen.IsErrorTerminal)
            return await work(null);
        return await Screen.ErrorCanvas().Progress()
            .AutoClear(true)
            .Columns(
                new TaskDescriptionColumn(),
                new ProgressBarColumn(),
                new PercentageColumn(),
                new DownloadedColumn(),
                new TransferSpeedColumn(),
                new RemainingTimeColumn())
            .StartAsync(context =>
            {
                var task = context.AddTask(title, maxValue: Math.Max(size, 1));
                return work(new Reporter(task));
            });
    }

    // Not Progress<T>: that one posts to the thread pool, where an older report may overtake a newer one.
    private sealed class Reporter(ProgressTask task) : IProgress<long>
    {
        public void Report(long value) => task.Value = value;
    }
}
