// Signatures only, of what the firmware uses from System.Net; the bodies are never run.

[assembly: System.Reflection.AssemblyVersion("1.11.60.0")]

namespace System.Net
{
    public abstract class EndPoint
    {
        protected EndPoint() => throw null;
    }

    public class IPAddress
    {
        public static readonly System.Net.IPAddress Any;
        public static System.Net.IPAddress Parse(string p0) => throw null;
        internal IPAddress() => throw null;
    }

    public class IPEndPoint : System.Net.EndPoint
    {
        public IPEndPoint(System.Net.IPAddress p0, int p1) => throw null;
        internal IPEndPoint() => throw null;
    }
}

namespace System.Net.NetworkInformation
{
    public enum AuthenticationType
    {
        None = 0,
        EAP = 1,
        PEAP = 2,
        WCN = 3,
        Open = 4,
        Shared = 5,
        WEP = 6,
        WPA = 7,
        WPA2 = 8,
    }

    public class NetworkInterface
    {
        public static System.Net.NetworkInformation.NetworkInterface[] GetAllNetworkInterfaces() => throw null;
        public void EnableStaticIPv4(string p0, string p1, string p2) => throw null;
        public byte[] PhysicalAddress { get => throw null; }
        public System.Net.NetworkInformation.NetworkInterfaceType NetworkInterfaceType { get => throw null; }
        public string IPv4Address { get => throw null; }
        public uint SpecificConfigId { get => throw null; }
        internal NetworkInterface() => throw null;
    }

    public enum NetworkInterfaceType
    {
        Unknown = 1,
        Ethernet = 6,
        Wireless80211 = 71,
        WirelessAP = 72,
    }

    public class Wireless80211Configuration
    {
        public static System.Net.NetworkInformation.Wireless80211Configuration[] GetAllWireless80211Configurations() => throw null;
        public void SaveConfiguration() => throw null;
        public System.Net.NetworkInformation.Wireless80211Configuration.ConfigurationOptions Options { set => throw null; }
        public string Password { set => throw null; }
        public string Ssid { set => throw null; }
        internal Wireless80211Configuration() => throw null;

        public enum ConfigurationOptions
        {
            None = 0,
            Disable = 1,
            Enable = 2,
            AutoConnect = 6,
            SmartConfig = 10,
        }
    }

    public class WirelessAPConfiguration
    {
        public static System.Net.NetworkInformation.WirelessAPConfiguration[] GetAllWirelessAPConfigurations() => throw null;
        public void SaveConfiguration() => throw null;
        public System.Net.NetworkInformation.WirelessAPConfiguration.ConfigurationOptions Options { get => throw null; set => throw null; }
        public string Ssid { get => throw null; set => throw null; }
        public System.Net.NetworkInformation.AuthenticationType Authentication { set => throw null; }
        public byte MaxConnections { set => throw null; }
        public string Password { set => throw null; }
        internal WirelessAPConfiguration() => throw null;

        public enum ConfigurationOptions
        {
            None = 0,
            Disable = 1,
            Enable = 2,
            AutoStart = 6,
            HiddenSSID = 8,
        }
    }
}

namespace System.Net.Sockets
{
    public enum AddressFamily
    {
        Unknown = -1,
        Unspecified = 0,
        Unix = 1,
        InterNetwork = 2,
        ImpLink = 3,
        Pup = 4,
        Chaos = 5,
        NS = 6,
        Ipx = 6,
        Iso = 7,
        Osi = 7,
        Ecma = 8,
        DataKit = 9,
        Ccitt = 10,
        Sna = 11,
        DecNet = 12,
        DataLink = 13,
        Lat = 14,
        HyperChannel = 15,
        AppleTalk = 16,
        NetBios = 17,
        VoiceView = 18,
        FireFox = 19,
        Banyan = 21,
        Atm = 22,
        InterNetworkV6 = 23,
        Cluster = 24,
        Ieee12844 = 25,
        Irda = 26,
        NetworkDesigners = 28,
        Max = 29,
    }

    public enum ProtocolType
    {
        IP = 0,
        IPv6HopByHopOptions = 0,
        Icmp = 1,
        Igmp = 2,
        Ggp = 3,
        IPv4 = 4,
        Tcp = 6,
        Pup = 12,
        Udp = 17,
        Idp = 22,
        IPv6 = 41,
        IPv6RoutingHeader = 43,
        IPv6FragmentHeader = 44,
        IPSecEncapsulatingSecurityPayload = 50,
        IPSecAuthenticationHeader = 51,
        IcmpV6 = 58,
        IPv6NoNextHeader = 59,
        IPv6DestinationOptions = 60,
        ND = 77,
        Raw = 255,
        Unspecified = 0,
        Ipx = 1000,
        Spx = 1256,
        SpxII = 1257,
        Unknown = -1,
    }

    public class Socket : System.IDisposable
    {
        public int ReceiveFrom(byte[] p0, ref System.Net.EndPoint p1) => throw null;
        public int SendTo(byte[] p0, int p1, System.Net.Sockets.SocketFlags p2, System.Net.EndPoint p3) => throw null;
        public Socket(System.Net.Sockets.AddressFamily p0, System.Net.Sockets.SocketType p1, System.Net.Sockets.ProtocolType p2) => throw null;
        public void Bind(System.Net.EndPoint p0) => throw null;
        public void Close() => throw null;
        public void SetSocketOption(System.Net.Sockets.SocketOptionLevel p0, System.Net.Sockets.SocketOptionName p1, bool p2) => throw null;
        internal Socket() => throw null;
        void System.IDisposable.Dispose() => throw null;
    }

    public class SocketException : System.Exception
    {
        internal SocketException() => throw null;
    }

    public enum SocketFlags
    {
        None = 0,
        OutOfBand = 1,
        Peek = 2,
        DontRoute = 4,
        MaxIOVectorLength = 16,
        Truncated = 256,
        ControlDataTruncated = 512,
        Broadcast = 1024,
        Multicast = 2048,
        Partial = 32768,
    }

    public enum SocketOptionLevel
    {
        Socket = 65535,
        IP = 0,
        IPv6 = 41,
        Tcp = 6,
        Udp = 17,
    }

    public enum SocketOptionName
    {
        Debug = 1,
        AcceptConnection = 2,
        ReuseAddress = 4,
        KeepAlive = 8,
        DontRoute = 16,
        Broadcast = 32,
        UseLoopback = 64,
        Linger = 128,
        OutOfBandInline = 256,
        DontLinger = -129,
        ExclusiveAddressUse = -5,
        SendBuffer = 4097,
        ReceiveBuffer = 4098,
        SendLowWater = 4099,
        ReceiveLowWater = 4100,
        SendTimeout = 4101,
        ReceiveTimeout = 4102,
        Error = 4103,
        Type = 4104,
        MaxConnections = 2147483647,
        IPOptions = 1,
        HeaderIncluded = 2,
        TypeOfService = 3,
        IpTimeToLive = 4,
        MulticastInterface = 9,
        MulticastTimeToLive = 10,
        MulticastLoopback = 11,
        AddMembership = 12,
        DropMembership = 13,
        DontFragment = 14,
        AddSourceMembership = 15,
        DropSourceMembership = 16,
        BlockSource = 17,
        UnblockSource = 18,
        PacketInformation = 19,
        HopLimit = 21,
        NoDelay = 1,
        BsdUrgent = 2,
        Expedited = 2,
        NoChecksum = 1,
        ChecksumCoverage = 20,
        UpdateAcceptContext = 28683,
        UpdateConnectContext = 28688,
    }

    public enum SocketType
    {
        Stream = 1,
        Dgram = 2,
        Raw = 3,
        Rdm = 4,
        Seqpacket = 5,
        Unknown = -1,
    }
}

namespace System.Security.Cryptography.X509Certificates
{
    public class X509Certificate
    {
        public X509Certificate() => throw null;
        public X509Certificate(string p0) => throw null;
    }
}
