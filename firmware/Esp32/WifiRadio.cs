using System;
using System.Device.Wifi;
using System.Net.NetworkInformation;
using System.Threading;
using Ota.Agent;

namespace Ota.Esp32;

/// <summary>
/// The chip's radio. The agent keeps the networks in its own record and joins by hand; what the platform may have kept
/// for itself is erased by <see cref="Forget"/>.
/// </summary>
internal sealed class WifiRadio : IRadio
{
    private const int JoinMilliseconds = 20_000;
    private const int ScanMilliseconds = 6_000;
    private const int RssiAge = 600_000;

    private readonly AccessPoint _accessPoint;
    private readonly SetupPage _page;
    private readonly DhcpServer _dhcp = new DhcpServer();
    private readonly AutoResetEvent _scanned = new AutoResetEvent(false);
    private WifiAdapter _adapter;
    private string _ssid;
    private int _rssi;
    private long _rssiAt;

    public WifiRadio(AccessPoint accessPoint, SetupPage page)
    {
        _accessPoint = accessPoint;
        _page = page;
    }

    /// <summary>True when the access point is wanted and comes up with a restart only.</summary>
    public bool NeedsRestart { get; private set; }

    public bool Joined => _ssid != null && HasAddress();

    public int Rssi
    {
        get
        {
            if (Joined && (_rssi == 0 || DeviceClock.Milliseconds - _rssiAt > RssiAge))
                Measure();
            return Joined ? _rssi : 0;
        }
    }

    public bool ProvisioningOpen { get; private set; }

    public bool Join(string ssid, string password)
    {
        _ssid = null;
        _rssi = 0;
        try
        {
            var result = Adapter().Connect(ssid, WifiReconnectionKind.Manual, password ?? "");
            if (result.ConnectionStatus != WifiConnectionStatus.Success)
                return false;
        }
        catch (InvalidOperationException)
        {
            // A scan is under way; the next round tries again.
            return false;
        }

        var until = DeviceClock.Milliseconds + JoinMilliseconds;
        while (!HasAddress())
        {
            if (DeviceClock.Milliseconds > until)
                return false;
            Thread.Sleep(200);
        }

        _ssid = ssid;
        return true;
    }

    public void OpenProvisioning()
    {
        ProvisioningOpen = true;

        // One that does not come up although a start found it stored must not cost a restart again and again.
        var stored = _accessPoint.IsStored;
        if (!_accessPoint.IsUp && !stored)
        {
            _accessPoint.Enable();
            Thread.Sleep(2_000);
        }

        var up = _accessPoint.IsUp;
        NeedsRestart = !up && !stored;
        if (!up)
            return;
        _dhcp.Start();
        _page.Open();
    }

    public void CloseProvisioning()
    {
        ProvisioningOpen = false;
        NeedsRestart = false;
        _page.Close();
        _dhcp.Stop();
        _accessPoint.Disable();
    }

    public Provisioned TakeProvisioned() => _page.Take();

    public void Forget()
    {
        _ssid = null;
        try
        {
            Adapter().Disconnect();
        }
        catch (InvalidOperationException)
        {
            // It was not connected.
        }

        var stored = Wireless80211Configuration.GetAllWireless80211Configurations();
        for (var i = 0; i < stored.Length; i++)
        {
            // Empty strings: a null SSID throws, and a null password is stored as garbage.
            stored[i].Ssid = "";
            stored[i].Password = "";
            stored[i].Options = Wireless80211Configuration.ConfigurationOptions.Disable;
            stored[i].SaveConfiguration();
        }
    }

    private static bool HasAddress()
    {
        var all = NetworkInterface.GetAllNetworkInterfaces();
        for (var i = 0; i < all.Length; i++)
        {
            if (all[i].NetworkInterfaceType == NetworkInterfaceType.Wireless80211)
                return all[i].IPv4Address.Length > 0 && all[i].IPv4Address != "0.0.0.0";
        }

        return false;
    }

    private WifiAdapter Adapter()
    {
        if (_adapter == null)
        {
            _adapter = WifiAdapter.FindAllAdapters()[0];
            _adapter.AvailableNetworksChanged += OnScanned;
        }

        return _adapter;
    }

    private void OnScanned(WifiAdapter sender, object e) => _scanned.Set();

    // Only a scan tells the signal's strength. Several stations may carry the name; the strongest is the one in use.
    private void Measure()
    {
        _rssiAt = DeviceClock.Milliseconds;
        try
        {
            Adapter().ScanAsync();
            if (!_scanned.WaitOne(ScanMilliseconds, false))
                return;
            var found = Adapter().NetworkReport.AvailableNetworks;
            var best = 0;
            for (var i = 0; i < found.Length; i++)
            {
                var rssi = (int)found[i].NetworkRssiInDecibelMilliwatts;
                if (found[i].Ssid == _ssid && (best == 0 || rssi > best))
                    best = rssi;
            }

            _rssi = best;
        }
        catch (InvalidOperationException)
        {
            // The radio is busy; the strength stays unknown until the next check-in.
        }
    }
}
