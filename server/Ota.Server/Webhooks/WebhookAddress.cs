namespace Ota.Server.Webhooks;

/// <summary>Which addresses may be told. Pure.</summary>
internal static class WebhookAddress
{
    public const int LongestUrl = 2000;

    /// <summary>Reads an address; null and a sentence when it may not be told.</summary>
    /// <param name="allowsHttp">Whether plain http may leave this machine.</param>
    public static Uri? Read(string? text, bool allowsHttp, out string reason)
    {
        reason = "";
        if (text is not { Length: >= 1 and <= LongestUrl } || text.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))
            || !Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("https" or "http") || url.Host.Length == 0)
            reason = $"url is an absolute https address of at most {LongestUrl} characters.";
        else if (url.UserInfo.Length > 0)
            reason = "url holds no user name and password; check the signature instead.";
        else if (url.Fragment.Length > 0)
            reason = "url has no fragment (#); it is never sent.";
        else if (url.Scheme == "http" && !url.IsLoopback && !allowsHttp)
            reason = "url is https, or http on this machine; the setting HttpWebhooks allows http elsewhere.";
        else
            return url;
        return null;
    }

    /// <summary>The address without its query, which may hold a secret.</summary>
    public static string Shown(Uri url) => url.GetLeftPart(UriPartial.Path);
}
