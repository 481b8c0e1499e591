namespace Ota.Agent;

/// <summary>
/// Products modulo an odd number of 3072 bits, little-endian limbs of 32 bits, in Montgomery's manner (P. L.
/// Montgomery, "Modular multiplication without trial division", 1985; the loop is FIOS of Koç, Acar and Kaliski, 1996,
/// the one with the fewest array accesses, which are what an interpreter pays for). Verifies public data only, so it
/// need not hide its timing.
/// </summary>
internal sealed class Montgomery
{
    private readonly uint[] _n;
    private readonly uint _inverse;

    public Montgomery(uint[] modulus)
    {
        _n = modulus;

        // -n⁻¹ mod 2³² by Newton's iteration; each round doubles the number of right bits, from 3.
        var n0 = modulus[0];
        var inverse = n0;
        for (var i = 0; i < 4; i++)
            inverse *= 2 - n0 * inverse;
        _inverse = 0 - inverse;
    }

    public uint[] Modulus => _n;

    /// <summary>True when <paramref name="value"/> is below the modulus.</summary>
    public bool IsReduced(uint[] value)
    {
        for (var i = _n.Length - 1; i >= 0; i--)
        {
            if (value[i] != _n[i])
                return value[i] < _n[i];
        }

        return false;
    }

    /// <summary>
    /// a·b·R⁻¹ mod n into <paramref name="t"/>, which has one limb more than the modulus and is none of the two
    /// factors.
    /// </summary>
    public uint[] Multiply(uint[] a, uint[] b, uint[] t)
    {
        var n = _n;
        var length = n.Length;
        for (var i = 0; i <= length; i++)
            t[i] = 0;
        var b0 = b[0];
        var n0 = n[0];
        for (var i = 0; i < length; i++)
        {
            ulong factor = a[i];
            var product = factor * b0 + t[0];
            ulong quotient = (uint)product * _inverse;
            var carry = product >> 32;
            var reduced = quotient * n0 + (uint)product;
            var borrow = reduced >> 32;
            for (var j = 1; j < length; j++)
            {
                product = factor * b[j] + t[j] + carry;
                carry = product >> 32;
                reduced = quotient * n[j] + (uint)product + borrow;
                borrow = reduced >> 32;
                t[j - 1] = (uint)reduced;
            }

            var top = carry + borrow + t[length];
            t[length - 1] = (uint)top;
            t[length] = (uint)(top >> 32);
        }

        if (t[length] != 0 || !IsReduced(t))
            Subtract(t);
        return t;
    }

    /// <summary>R² mod n. From R mod n = R - n by three doublings and ten squarings: 2³R, 2⁶R, … 2³⁰⁷²R.</summary>
    public uint[] RSquared()
    {
        var length = _n.Length;
        var x = new uint[length + 1];
        x[length] = 1;
        Subtract(x);
        for (var i = 0; i < 3; i++)
            Double(x);
        var spare = new uint[length + 1];
        for (var bits = 3; bits < 32 * length; bits *= 2)
        {
            var squared = Multiply(x, x, spare);
            spare = x;
            x = squared;
        }

        var result = new uint[length];
        for (var i = 0; i < length; i++)
            result[i] = x[i];
        return result;
    }

    private void Double(uint[] x)
    {
        uint carry = 0;
        for (var i = 0; i < _n.Length; i++)
        {
            var limb = x[i];
            x[i] = (limb << 1) | carry;
            carry = limb >> 31;
        }

        x[_n.Length] = carry;
        if (carry != 0 || !IsReduced(x))
            Subtract(x);
    }

    // The result is known to fit, so what is left above the modulus's length is zero.
    private void Subtract(uint[] x)
    {
        ulong borrow = 0;
        for (var i = 0; i < _n.Length; i++)
        {
            var difference = (ulong)x[i] - _n[i] - borrow;
            x[i] = (uint)difference;
            borrow = (difference >> 32) & 1;
        }

        x[_n.Length] = 0;
    }
}
