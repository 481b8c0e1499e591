using System.Globalization;
using System.Text;
using QRCoder;

namespace Ota.Labels;

/// <summary>What is glued to a unit: its rescue network in letters and as the code that phones know for a Wi-Fi network.</summary>
public static class UnitLabel
{
    private const int PixelsPerModule = 10;

    // Millimetres that a line may be long, and how wide a letter is as a part of its height.
    private const double Line = 31;
    private const double Letter = 0.61;

    /// <summary>An image of 62 by 29 mm, as common label printers take it.</summary>
    /// <param name="ssid">Of its rescue network.</param>
    public static string Svg(string product, string hardwareId, string ssid, string password)
    {
        using var code = Code(ssid, password);
        var modules = code.ModuleMatrix;
        var dots = new StringBuilder();
        for (var row = 0; row < modules.Count; row++)
        {
            for (var column = 0; column < modules[row].Length; column++)
            {
                if (modules[row][column])
                    dots.Append(CultureInfo.InvariantCulture, $"M{column} {row}h1v1h-1z");
            }
        }

        var scale = (25.0 / modules.Count).ToString("0.####", CultureInfo.InvariantCulture);
        return $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="62mm" height="29mm" viewBox="0 0 62 29" font-family="sans-serif">
              <rect width="62" height="29" fill="#fff"/>
              <path transform="translate(2 2) scale({scale})" d="{dots}"/>
              <text x="29" y="6" font-size="{Fitting(product, 3)}" font-weight="bold">{Escaped(product)}</text>
              <text x="29" y="10" font-size="{Fitting(hardwareId, 2.4)}">{Escaped(hardwareId)}</text>
              <text x="29" y="15.5" font-size="2.1">If it cannot be reached: hotspot</text>
              <text x="29" y="19" font-size="{Fitting(ssid, 2.4)}" font-family="monospace">{Escaped(ssid)}</text>
              <text x="29" y="22.5" font-size="2.1">with the password</text>
              <text x="29" y="26" font-size="3" font-family="monospace" font-weight="bold">{Escaped(password)}</text>
            </svg>

            """;
    }

    /// <summary>The code alone.</summary>
    public static byte[] Png(string ssid, string password)
    {
        using var code = Code(ssid, password);
        using var png = new PngByteQRCode(code);
        return png.GetGraphic(PixelsPerModule);
    }

    private static QRCodeData Code(string ssid, string password)
    {
        using var generator = new QRCodeGenerator();
        return generator.CreateQrCode(
            new PayloadGenerator.WiFi(ssid, password, PayloadGenerator.WiFi.Authentication.WPA).ToString(),
            QRCodeGenerator.ECCLevel.M);
    }

    private static string Fitting(string text, double size) =>
        Math.Min(size, Line / Letter / text.Length).ToString("0.##", CultureInfo.InvariantCulture);

    private static string Escaped(string text) => System.Security.SecurityElement.Escape(text);
}
