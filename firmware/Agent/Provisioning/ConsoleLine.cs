namespace Ota.Agent;

/// <summary>What a line on the console asks for.</summary>
internal enum ConsoleRequest
{
    None,
    Status,
    Provision,
    ClearCredentials,
    Refused,
}

/// <summary>One line of the console's protocol: a word, and what belongs to it, separated by tabs.</summary>
internal sealed class ConsoleLine
{
    private ConsoleLine(ConsoleRequest request) => Request = request;

    public ConsoleRequest Request { get; }

    /// <summary>What was handed over with <c>provision</c>.</summary>
    public Provisioned Provisioned { get; private set; }

    /// <summary>Reads a line without its end.</summary>
    /// <param name="rescuePassword">What <c>clear-credentials</c> must bring; empty refuses it always.</param>
    public static ConsoleLine Read(string line, string rescuePassword)
    {
        var words = line.Trim().Split(new[] { '\t' });
        switch (words[0])
        {
            case "":
                return new ConsoleLine(ConsoleRequest.None);
            case "status":
                return new ConsoleLine(ConsoleRequest.Status);
            case "provision":
                return Provision(words);
            case "clear-credentials":
                var right = words.Length == 2 && rescuePassword.Length > 0 && words[1] == rescuePassword;
                return new ConsoleLine(right ? ConsoleRequest.ClearCredentials : ConsoleRequest.Refused);
            default:
                return new ConsoleLine(ConsoleRequest.Refused);
        }
    }

    private static ConsoleLine Provision(string[] words)
    {
        if (words.Length < 2 || words.Length > 4 || words[1].Length == 0 || words[1].Length > 32)
            return new ConsoleLine(ConsoleRequest.Refused);
        return new ConsoleLine(ConsoleRequest.Provision)
        {
            Provisioned = new Provisioned
            {
                Network = new Network { Ssid = words[1], Password = words.Length > 2 ? words[2] : "" },
                Owner = words.Length > 3 ? words[3] : "",
            },
        };
    }
}
