using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server;
using Ota.Server.Data;
using Ota.Server.Releases;
using SQLitePCL;

// The real server, which kills its own process (SIGKILL: no handler runs, nothing is flushed) between two statements of its database. It takes a
// command a line on standard input, and says "Done" after each:
//   kill N  after N statements that the writer runs from then on, 0 for never; after a COMMIT everything is on disk and nobody was told
//   days N  its clock is so many days ahead
//   retain  what happens every hour to images that nobody needs
var left = 0;
var time = new MovedTime();
await using var app = await ServerHost.BuildAsync(args, builder => builder.Services.AddSingleton<TimeProvider>(time));
raw.sqlite3_profile(((SqliteConnection)Writer(app.Services.GetRequiredService<Database>())).Handle, (object _, string _, long _) => Count(), null);
await ServerHost.StartAsync(app);
Console.WriteLine("Now listening");
while (await Console.In.ReadLineAsync() is { } line)
{
    switch (line.Split(' '))
    {
        case ["kill", var statements]: Volatile.Write(ref left, int.Parse(statements, CultureInfo.InvariantCulture)); break;
        case ["days", var days]: time.Ahead = TimeSpan.FromDays(int.Parse(days, CultureInfo.InvariantCulture)); break;
        case ["retain"]: await app.Services.GetRequiredService<RetentionPass>().RunAsync(CancellationToken.None); break;
        default: throw new InvalidOperationException("No such command: " + line);
    }

    Console.WriteLine("Done");
}

void Count()
{
    if (Volatile.Read(ref left) > 0 && Interlocked.Decrement(ref left) == 0)
        Process.GetCurrentProcess().Kill();
}

[UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_writer")]
static extern ref DbConnection Writer(Database database);

/// <summary>The real clock, moved ahead.</summary>
internal sealed class MovedTime : TimeProvider
{
    public TimeSpan Ahead { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
}
