namespace Ota.Benchmarks;

/// <summary>
/// The runs of one measurement, with the same of nginx when there is one: pair by pair, as they were run.
/// </summary>
internal sealed class Figure(string name)
{
    private readonly List<double> _ours = [];
    private readonly List<double> _nginx = [];

    public double Median => MedianOf(_ours);

    public void Add(double ours, double? nginx = null)
    {
        _ours.Add(ours);
        if (nginx is { } beside)
            _nginx.Add(beside);
    }

    public static string Heading => Row("", "Ota", "nginx", "ratio");

    public override string ToString() => Row(
        name,
        Text(_ours, "N0"),
        _nginx.Count > 0 ? Text(_nginx, "N0") : "",
        _nginx.Count > 0 ? Text([.. _ours.Zip(_nginx, (ours, nginx) => ours / nginx)], "F2") : "");

    private static string Row(string name, string ours, string nginx, string ratio) =>
        $"{name,-38} {ours,-26} {nginx,-26} {ratio}".TrimEnd();

    public static string Text(IReadOnlyCollection<double> values, string format)
    {
        var number = (double value) => value.ToString(format, CultureInfo.InvariantCulture);
        return $"{number(MedianOf(values))} ({number(values.Min())}–{number(values.Max())})";
    }

    private static double MedianOf(IReadOnlyCollection<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
