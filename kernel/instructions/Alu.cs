using System.Numerics;

namespace Hv.Kernel.Instructions;

/// <summary>Integer arithmetic with the flags the processor would set. Where the manuals leave a flag undefined it is cleared (AF) or kept (bit tests).</summary>
public static class Alu
{
    /// <summary>
    /// Computes <paramref name="operation"/> on the low <paramref name="size"/> bytes of <paramref name="left"/> (the destination) and
    /// <paramref name="right"/>, and updates <paramref name="rflags"/>. The result is zero-extended. CMP and TEST give <paramref name="left"/> back;
    /// one-operand operations ignore <paramref name="right"/>; bit operations take the bit number from it, modulo the size.
    /// </summary>
    public static ulong Compute(Operation operation, int size, ulong left, ulong right, ref ulong rflags)
    {
        ulong mask = size == 8 ? ulong.MaxValue : (1ul << (size * 8)) - 1;
        left &= mask;
        right &= mask;
        ulong carry = rflags & Rflags.Carry;
        switch (operation)
        {
            case Operation.Add:
                return Add(size, mask, left, right, 0, ref rflags);
            case Operation.Adc:
                return Add(size, mask, left, right, carry, ref rflags);
            case Operation.Sub:
                return Subtract(size, mask, left, right, 0, ref rflags);
            case Operation.Sbb:
                return Subtract(size, mask, left, right, carry, ref rflags);
            case Operation.Cmp:
                Subtract(size, mask, left, right, 0, ref rflags);
                return left;
            case Operation.And:
                return Logic(size, left & right, ref rflags);
            case Operation.Or:
                return Logic(size, left | right, ref rflags);
            case Operation.Xor:
                return Logic(size, left ^ right, ref rflags);
            case Operation.Test:
                Logic(size, left & right, ref rflags);
                return left;
            case Operation.Not:
                return ~left & mask;
            case Operation.Neg:
                return Subtract(size, mask, 0, left, 0, ref rflags);
            case Operation.Inc:
                left = Add(size, mask, left, 1, 0, ref rflags);
                rflags = (rflags & ~Rflags.Carry) | carry;
                return left;
            case Operation.Dec:
                left = Subtract(size, mask, left, 1, 0, ref rflags);
                rflags = (rflags & ~Rflags.Carry) | carry;
                return left;
            default:
                return Bit(operation, size, left, right, ref rflags);
        }
    }

    private static ulong Add(int size, ulong mask, ulong left, ulong right, ulong carry, ref ulong rflags)
    {
        ulong result = (left + right + carry) & mask;
        bool carryOut = result < left || (carry != 0 && result == left);
        SetFlags(size, result, carryOut, (left ^ result) & (right ^ result), left ^ right ^ result, ref rflags);
        return result;
    }

    private static ulong Subtract(int size, ulong mask, ulong left, ulong right, ulong borrow, ref ulong rflags)
    {
        ulong result = (left - right - borrow) & mask;
        bool borrowOut = left < right || (borrow != 0 && left == right);
        SetFlags(size, result, borrowOut, (left ^ right) & (left ^ result), left ^ right ^ result, ref rflags);
        return result;
    }

    private static ulong Logic(int size, ulong result, ref ulong rflags)
    {
        SetFlags(size, result, false, 0, 0, ref rflags);
        return result;
    }

    private static ulong Bit(Operation operation, int size, ulong value, ulong number, ref ulong rflags)
    {
        ulong bit = 1ul << ((int)number & (size * 8 - 1));
        rflags = (rflags & ~Rflags.Carry) | ((value & bit) != 0 ? Rflags.Carry : 0);
        switch (operation)
        {
            case Operation.Bts: return value | bit;
            case Operation.Btr: return value & ~bit;
            case Operation.Btc: return value ^ bit;
            default: return value;
        }
    }

    // The sign bit of overflow becomes OF, bit 4 of adjust AF.
    private static void SetFlags(int size, ulong result, bool carry, ulong overflow, ulong adjust, ref ulong rflags)
    {
        int sign = size * 8 - 1;
        ulong flags = rflags & ~Rflags.Arithmetic;
        if (carry)
            flags |= Rflags.Carry;
        if ((BitOperations.PopCount((uint)(byte)result) & 1) == 0)
            flags |= Rflags.Parity;
        flags |= adjust & Rflags.Adjust;
        if (result == 0)
            flags |= Rflags.Zero;
        if (((result >> sign) & 1) != 0)
            flags |= Rflags.Sign;
        if (((overflow >> sign) & 1) != 0)
            flags |= Rflags.Overflow;
        rflags = flags;
    }
}
