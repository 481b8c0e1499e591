namespace Ota.Agent;

/// <summary>The date of an HTTP header in its fixed form (IMF-fixdate, RFC 9110 §5.6.7).</summary>
internal static class HttpDate
{
    private const string Months = "JanFebMarAprMayJunJulAugSepOctNovDec";

    /// <summary>Unix seconds of <c>Tue, 15 Nov 1994 08:12:31 GMT</c>; 0 for anything else.</summary>
    public static long Parse(string text)
    {
        if (text == null || text.Length != 29 || text[3] != ',' || text[25] != ' ' || text.Substring(26) != "GMT")
            return 0;
        var month = Months.IndexOf(text.Substring(8, 3));
        var day = Digits(text, 5, 2);
        var year = Digits(text, 12, 4);
        var hour = Digits(text, 17, 2);
        var minute = Digits(text, 20, 2);
        var second = Digits(text, 23, 2);
        if (month < 0 || month % 3 != 0 || day < 1 || day > 31 || year < 1970 || hour < 0 || hour > 23
            || minute < 0 || minute > 59 || second < 0 || second > 60)
            return 0;
        return Days(year, month / 3 + 1, day) * 86400L + hour * 3600 + minute * 60 + second;
    }

    // Days since 1970 in the Gregorian calendar (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms",
    // days_from_civil).
    private static int Days(int year, int month, int day)
    {
        if (month <= 2)
            year--;
        var era = year / 400;
        var ofEra = year - era * 400;
        var ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
        return era * 146097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719468;
    }

    private static int Digits(string text, int offset, int count)
    {
        var value = 0;
        for (var i = offset; i < offset + count; i++)
        {
            if (text[i] < '0' || text[i] > '9')
                return -1;
            value = value * 10 + text[i] - '0';
        }

        return value;
    }
}
