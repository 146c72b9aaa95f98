namespace Hv.Drivers.Platform;

/// <summary>A date and time of the proleptic Gregorian calendar, and its distance in seconds from 1970-01-01 00:00:00.</summary>
public struct CalendarTime
{
    /// <summary>Seconds of a day.</summary>
    public const long SecondsPerDay = 86_400;

    private const int DaysPerEra = 146_097;
    private const int DaysToEpoch = 719_468;

    /// <summary>The year, 0 to 9999.</summary>
    public int Year;
    /// <summary>The month, 1 to 12.</summary>
    public int Month;
    /// <summary>The day of the month, 1 to 31.</summary>
    public int Day;
    /// <summary>The hour, 0 to 23.</summary>
    public int Hour;
    /// <summary>The minute, 0 to 59.</summary>
    public int Minute;
    /// <summary>The second, 0 to 59.</summary>
    public int Second;
    /// <summary>The day of the week, 1 (Sunday) to 7.</summary>
    public int WeekDay;

    /// <summary>The time <paramref name="seconds"/> after the beginning of 1970 (before it if negative; not before the year 0).</summary>
    public static CalendarTime FromSeconds(long seconds)
    {
        long days = seconds / SecondsPerDay;
        long rest = seconds - days * SecondsPerDay;
        if (rest < 0)
        {
            rest += SecondsPerDay;
            days--;
        }
        // Years are counted from 1 March of the year 0, so that the leap day is a year's last; 400 years are one era.
        long shifted = days + DaysToEpoch;
        long era = (shifted >= 0 ? shifted : shifted - DaysPerEra + 1) / DaysPerEra;
        int dayOfEra = (int)(shifted - era * DaysPerEra);
        int yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        int dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        int marchMonth = (5 * dayOfYear + 2) / 153;
        int month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
        CalendarTime time = default;
        time.Year = (int)(yearOfEra + era * 400) + (month <= 2 ? 1 : 0);
        time.Month = month;
        time.Day = dayOfYear - (153 * marchMonth + 2) / 5 + 1;
        time.Hour = (int)(rest / 3600);
        time.Minute = (int)(rest / 60 % 60);
        time.Second = (int)(rest % 60);
        // The first day of 1970 was a Thursday.
        time.WeekDay = (int)(((days + 4) % 7 + 7) % 7) + 1;
        return time;
    }

    /// <summary>The seconds from the beginning of 1970. Fields out of range count on: 25 o'clock is 1 o'clock of the next day.</summary>
    public readonly long ToSeconds()
    {
        int month = Month < 1 ? 1 : Month > 12 ? 12 : Month;
        long year = month <= 2 ? Year - 1 : Year;
        long era = (year >= 0 ? year : year - 399) / 400;
        int yearOfEra = (int)(year - era * 400);
        int marchMonth = month > 2 ? month - 3 : month + 9;
        int dayOfYear = (153 * marchMonth + 2) / 5 + Day - 1;
        long dayOfEra = yearOfEra * 365L + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
        long days = era * DaysPerEra + dayOfEra - DaysToEpoch;
        return days * SecondsPerDay + Hour * 3600L + Minute * 60L + Second;
    }
}
