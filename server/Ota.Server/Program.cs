using Ota.Server;
using Ota.Server.Settings;

try
{
    var app = await ServerHost.BuildAsync(args);
    await app.RunAsync();
    return 0;
}
catch (SettingFault fault)
{
    await Console.Error.WriteLineAsync("ota-server: " + fault.Message);
    return 2;
}
