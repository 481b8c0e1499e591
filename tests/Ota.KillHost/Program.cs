using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server;
using Ota.Server.Data;
using SQLitePCL;

// The real server, which kills its own process (SIGKILL: no handler runs, nothing is flushed) between two statements of its database. A number on
// standard input says after how many of them from then on; 0 is never. What is counted is the end of each statement that the writer runs: after
// a COMMIT everything is on disk and nobody was told.
var left = 0;
await using var app = await ServerHost.BuildAsync(args);
raw.sqlite3_profile(Writer(app.Services.GetRequiredService<Database>()).Handle, (object _, string _, long _) => Count(), null);
await ServerHost.StartAsync(app);
Console.WriteLine("Now listening");
while (await Console.In.ReadLineAsync() is { } line)
{
    Volatile.Write(ref left, int.Parse(line, CultureInfo.InvariantCulture));
    Console.WriteLine("Counting");
}

void Count()
{
    if (Volatile.Read(ref left) > 0 && Interlocked.Decrement(ref left) == 0)
        Process.GetCurrentProcess().Kill();
}

[UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_writer")]
static extern ref SqliteConnection Writer(Database database);
