global using System.Globalization;
using Ota.Benchmarks;

if (BenchmarkOptions.Read(args) is not { } options)
{
    await Console.Error.WriteLineAsync(BenchmarkOptions.Usage);
    return 2;
}

await Session.RunAsync(options);
return 0;
