using System.Globalization;
using System.Text;

namespace Ota.Cli.Api;

/// <summary>A path under /api/v1 whose holes are always escaped, so that an argument cannot name another call.</summary>
internal sealed class ApiPath
{
    private readonly StringBuilder _text;
    private bool _hasQuery;

    private ApiPath(string text) => _text = new StringBuilder(text);

    public static ApiPath Of(FormattableString path)
    {
        var holes = path.GetArguments().Select(hole => (object)Segment((string)hole!)).ToArray();
        return new ApiPath(string.Format(CultureInfo.InvariantCulture, "api/v1/" + path.Format, holes));
    }

    /// <summary>Adds a query parameter; null leaves it out.</summary>
    public ApiPath With(string name, string? value)
    {
        if (value is null)
            return this;
        _text.Append(_hasQuery ? '&' : '?').Append(name).Append('=').Append(Uri.EscapeDataString(value));
        _hasQuery = true;
        return this;
    }

    public ApiPath With(string name, long? value) => With(name, value?.ToString(CultureInfo.InvariantCulture));

    public override string ToString() => _text.ToString();

    // '.' and '..' survive escaping and are then resolved as folders.
    private static string Segment(string value) => value.Trim('.').Length == 0
        ? throw FailureException.Usage($"'{value}' is not a name.")
        : Uri.EscapeDataString(value);
}
