namespace Ota.Agent;

/// <summary>The application's side of the virtual pins.</summary>
internal interface IPins
{
    /// <summary>What the application wants to be written next; null for nothing. Each is handed over once.</summary>
    PinWrite Next();

    /// <summary>
    /// An app wrote a pin. Called on the agent's turn, so it should not take long; after a start with the last value of
    /// each pin that an app ever wrote.
    /// </summary>
    void Written(int pin, string value);
}

/// <summary>One write to a pin.</summary>
internal sealed class PinWrite
{
    /// <summary>0 to 255.</summary>
    public int Pin;

    /// <summary>At most 1024 bytes of UTF-8, without control characters.</summary>
    public string Value;
}
