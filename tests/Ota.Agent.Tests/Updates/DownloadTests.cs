using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Ota.Agent.Tests.Lab;

namespace Ota.Agent.Tests.Updates;

/// <summary>Networks that drop, servers that cannot count, and what is left of a download after them.</summary>
public sealed class DownloadTests
{
    private static readonly Build Update = Build.Of("2.0.0", size: 50_000);

    [Fact]
    public async Task A_dropped_download_goes_on_at_the_last_good_chunk()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Update);
        bench.Server.Intercept = DropAfter(20_000);

        bench.RunUntilSettled();

        Assert.Equal("2.0.0", bench.Running);
        Assert.Equal(["", "bytes=16384-", "bytes=32768-"], Ranges(bench));
    }

    [Fact]
    public async Task After_a_power_cut_in_the_middle_the_good_chunks_are_kept()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Update);
        var served = 0;
        bench.Server.Intercept = async context =>
        {
            if (!IsImage(context))
                return false;
            if (++served == 1)
                await SendPartAsync(context, 30_000);
            else
                context.Abort();
            return true;
        };
        bench.Run(1);
        bench.Device.PowerOff();
        bench.Server.Intercept = null;
        bench.Server.Requests.Clear();

        bench.RunUntilSettled();

        Assert.Equal("2.0.0", bench.Running);
        Assert.Equal(["bytes=28672-"], Ranges(bench));

        // The second order was reported with what was there already.
        Assert.Contains(bench.Server.Reports, r => r is { State: "downloading", Detail: "53%" });
    }

    [Fact]
    public async Task A_server_that_ignores_Range_is_put_up_with()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Update);
        var served = 0;
        bench.Server.Intercept = async context =>
        {
            if (!IsImage(context))
                return false;
            if (++served == 1)
                await SendPartAsync(context, 20_000);
            else
                await Results.Bytes(Update.Image).ExecuteAsync(context);
            return true;
        };

        bench.RunUntilSettled();

        Assert.Equal("2.0.0", bench.Running);
        Assert.Equal(2, served);
    }

    [Fact]
    public async Task A_proxy_that_answers_the_wrong_range_is_asked_once_more_for_the_whole()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Update);
        var served = 0;
        bench.Server.Intercept = async context =>
        {
            if (!IsImage(context))
                return false;
            if (++served == 1)
            {
                await SendPartAsync(context, 20_000);
                return true;
            }

            if (context.Request.Headers.Range.Count == 0)
                return false;
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = "bytes 16384-49999/50000";
            await context.Response.Body.WriteAsync(Update.Image.AsMemory(0, 50_000 - 16_384));
            return true;
        };

        bench.RunUntilSettled();

        Assert.Equal("2.0.0", bench.Running);
        Assert.Empty(bench.Refusals());
        Assert.Equal(["", "bytes=16384-", ""], Ranges(bench));
    }

    [Theory]
    [InlineData(404)]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(416)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task An_image_that_cannot_be_had_is_asked_for_again_and_never_refused(int status)
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Update);
        var failing = true;
        bench.Server.Intercept = context =>
        {
            var fail = failing && IsImage(context);
            if (fail)
                context.Response.StatusCode = status;
            return Task.FromResult(fail);
        };
        bench.Run(40);
        Assert.Equal("1.0.0", bench.Running);
        Assert.Empty(bench.Refusals());

        failing = false;
        bench.RunUntilSettled();
        Assert.Equal("2.0.0", bench.Running);
    }

    [Theory]
    [InlineData(49_999)]
    [InlineData(50_001)]
    [InlineData(0)]
    public async Task A_body_of_the_wrong_length_is_a_fault_of_the_transport(int length)
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Update);
        var wrong = new byte[length];
        Update.Image.AsSpan(0, Math.Min(length, Update.Image.Length)).CopyTo(wrong);
        bench.Server.Intercept = async context =>
        {
            if (!IsImage(context))
                return false;
            await Results.Bytes(wrong).ExecuteAsync(context);
            return true;
        };

        bench.Run(5);

        Assert.Equal("1.0.0", bench.Running);
        Assert.Empty(bench.Refusals());
    }

    [Fact]
    public async Task A_body_without_a_length_is_read_as_far_as_the_image_goes()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Update);
        bench.Server.Intercept = async context =>
        {
            if (!IsImage(context))
                return false;
            await context.Response.StartAsync();
            await context.Response.Body.WriteAsync(Update.Image);
            return true;
        };

        bench.RunUntilSettled();

        Assert.Equal("2.0.0", bench.Running);
    }

    [Fact]
    public async Task Wrong_bytes_are_fetched_once_more_and_then_refused()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Update);
        var wrong = Update.Image.ToArray();
        wrong[30_000] ^= 0x80;
        bench.Server.Intercept = async context =>
        {
            if (!IsImage(context))
                return false;
            await Results.Bytes(wrong, enableRangeProcessing: true).ExecuteAsync(context);
            return true;
        };

        bench.RunUntilSettled();

        Assert.Equal(["chunk"], bench.Refusals());
        Assert.Equal(["", ""], Ranges(bench));
        Assert.Equal("1.0.0", bench.Running);
    }

    private static bool IsImage(HttpContext context) => context.Request.Path.StartsWithSegments("/images");

    private static IEnumerable<string> Ranges(Bench bench) => bench.Server.Requests
        .Where(r => r.StartsWith("GET /images/", StringComparison.Ordinal))
        .Select(r => r[(r.LastIndexOf(' ') + 1)..]);

    private static Func<HttpContext, Task<bool>> DropAfter(int bytes) => async context =>
    {
        if (!IsImage(context))
            return false;
        await SendPartAsync(context, bytes);
        return true;
    };

    // The right headers for the rest from the asked byte on, but only so many bytes of it: Kestrel then drops the
    // connection.
    private static async Task SendPartAsync(HttpContext context, int bytes)
    {
        var range = context.Request.Headers.Range.ToString();
        var from = range.Length == 0 ? 0 : int.Parse(range["bytes=".Length..].TrimEnd('-'), null);
        var rest = Update.Image.AsMemory(from);
        if (from > 0)
        {
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes {from}-{Update.Image.Length - 1}/{Update.Image.Length}";
        }

        context.Response.ContentLength = rest.Length;
        context.Features.Get<IHttpResponseBodyFeature>()!.DisableBuffering();
        await context.Response.Body.WriteAsync(rest[..Math.Min(bytes, rest.Length)]);
        await context.Response.Body.FlushAsync();
    }
}
