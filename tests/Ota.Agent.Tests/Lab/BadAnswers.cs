using Microsoft.AspNetCore.Http;

namespace Ota.Agent.Tests.Lab;

/// <summary>
/// What answers a device besides its server: errors of every kind, captive portals, connections that end in the middle.
/// </summary>
internal static class BadAnswers
{
    public static IReadOnlyList<Func<HttpContext, Task>> All { get; } =
    [
        Status(400), Status(401), Status(403), Status(404), Status(409), Status(410), Status(418), Status(429),
        Status(500), Status(502), Status(503), Body(200, "<html>Log in</html>"), Body(200, ""),
        Body(200, "{"), Body(200, "{}"), Body(200, "null"), Body(200, "[]"),
        Body(200, """{"order":7}"""), Body(200, """{"order":"a.b.c"}"""), Body(200, """{"order":"","order":""}"""),
        Body(410, """{"order":"eyJ.eyJ.eyJ"}"""), Body(410, "gone"),
        Body(410, """{"type":"urn:ota:problem:gone"}"""),
        Body(401, """{"order":"eyJ.eyJ.eyJ"}"""), Body(302, ""), Body(200, new string('x', 100_000)),
        Body(200, "{\"order\":\"" + new string('a', 39_000) + "\"}"),
        context =>
        {
            context.Abort();
            return Task.CompletedTask;
        },
        async context =>
        {
            context.Response.ContentLength = 5000;
            await context.Response.WriteAsync("""{"order":"eyJ""");
            context.Abort();
        },
    ];

    public static Func<HttpContext, Task> Status(int status) => context =>
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    };

    public static Func<HttpContext, Task> Body(int status, string body) => context =>
    {
        context.Response.StatusCode = status;
        if (status == 302)
            context.Response.Headers.Location = "http://portal.example/login";
        return context.Response.WriteAsync(body);
    };
}
