using Ota.Server;
using Ota.Server.Settings;

if (CommandLine.AsksForHelp(args))
{
    Console.WriteLine(CommandLine.Help);
    return 0;
}

try
{
    await using var app = await ServerHost.BuildAsync(args);
    // A start of its own, so that an option left in a unit file does not make an admin key at every start.
    if (app.Services.GetRequiredService<ServerSettings>().NewAdminKey)
        return 0;
    await ServerHost.StartAsync(app);
    await app.WaitForShutdownAsync();
    return 0;
}
catch (SettingFault fault)
{
    await Console.Error.WriteLineAsync("ota-server: " + fault.Message);
    return 2;
}
