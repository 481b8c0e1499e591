// Signatures only, of what the firmware uses from System.Device.Wifi; the bodies are never run.

[assembly: System.Reflection.AssemblyVersion("1.5.149.0")]

namespace System.Device.Wifi
{
    public delegate void AvailableNetworksChangedEventHandler(System.Device.Wifi.WifiAdapter p0, object p1);

    public sealed class WifiAdapter : System.IDisposable
    {
        public static System.Device.Wifi.WifiAdapter[] FindAllAdapters() => throw null;
        public System.Device.Wifi.WifiConnectionResult Connect(string p0, System.Device.Wifi.WifiReconnectionKind p1, string p2) => throw null;
        public void Disconnect() => throw null;
        public void ScanAsync() => throw null;
        public System.Device.Wifi.WifiNetworkReport NetworkReport { get => throw null; }
        public event System.Device.Wifi.AvailableNetworksChangedEventHandler AvailableNetworksChanged { add => throw null; remove => throw null; }
        internal WifiAdapter() => throw null;
        void System.IDisposable.Dispose() => throw null;
    }

    public class WifiAvailableNetwork
    {
        public WifiAvailableNetwork() => throw null;
        public double NetworkRssiInDecibelMilliwatts { get => throw null; }
        public string Ssid { get => throw null; }
    }

    public class WifiConnectionResult
    {
        public System.Device.Wifi.WifiConnectionStatus ConnectionStatus { get => throw null; }
        internal WifiConnectionResult() => throw null;
    }

    public enum WifiConnectionStatus
    {
        AccessRevoked = 0,
        InvalidCredential = 1,
        NetworkNotAvailable = 2,
        Success = 3,
        Timeout = 4,
        UnspecifiedFailure = 5,
        UnsupportedAuthenticationProtocol = 6,
    }

    public class WifiNetworkReport
    {
        public System.Device.Wifi.WifiAvailableNetwork[] AvailableNetworks { get => throw null; }
        internal WifiNetworkReport() => throw null;
    }

    public enum WifiReconnectionKind
    {
        Automatic = 0,
        Manual = 1,
    }
}
