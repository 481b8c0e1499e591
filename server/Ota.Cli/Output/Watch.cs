using Spectre.Console;
using Spectre.Console.Rendering;

namespace Ota.Cli.Output;

/// <summary>
/// Follows something on the server until Ctrl-C, which is how a watch ends and not how it fails: a picture that is drawn again on a
/// terminal, lines where nobody looks.
/// </summary>
internal static class Watch
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <param name="look">Asks the server. The first look may fail as any command does; a later one is said and tried again.</param>
    /// <param name="draw">What a person sees of it, at this moment.</param>
    /// <param name="write">Prints what has changed since it was last called.</param>
    public static async Task RunAsync<T>(
        Call call,
        Func<CancellationToken, Task<T>> look,
        Func<T, DateTimeOffset, IRenderable> draw,
        Action<T> write,
        CancellationToken cancellation)
    {
        var first = await look(cancellation);
        try
        {
            if (Screen.IsTerminal && !call.Screen.Json)
                await call.Screen.Canvas.Live(new Text("")).AutoClear(false).StartAsync(
                    live => FollowAsync(call, first, look, (seen, trouble) => Redraw(live, draw(seen, call.Now), trouble, call.Now), cancellation));
            else
                await FollowAsync(call, first, look, Lines(call, write), cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Nothing is left to say.
        }
    }

    private static async Task FollowAsync<T>(
        Call call, T seen, Func<CancellationToken, Task<T>> look, Action<T, string?> show, CancellationToken cancellation)
    {
        show(seen, null);
        using var timer = new PeriodicTimer(Interval, call.Time);
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            string? trouble = null;
            try
            {
                seen = await look(cancellation);
            }
            catch (FailureException failure)
            {
                trouble = failure.Title;
            }

            show(seen, trouble);
        }
    }

    private static void Redraw(LiveDisplayContext live, IRenderable picture, string? trouble, DateTimeOffset now)
    {
        var footer = new Text(Cell.Clean(trouble ?? When.Exact(now) + ", Ctrl-C ends"), Screen.StyleOf(trouble is null ? Tone.Dim : Tone.Bad));
        live.UpdateTarget(new Rows(picture, footer));
        live.Refresh();
    }

    private static Action<T, string?> Lines<T>(Call call, Action<T> write)
    {
        string? told = null;
        return (seen, trouble) =>
        {
            if (trouble is not null && trouble != told)
                call.Screen.Warn(trouble);
            told = trouble;
            write(seen);
        };
    }
}
