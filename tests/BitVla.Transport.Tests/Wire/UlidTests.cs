using BitVla.TestKit;
using BitVla.Transport.Wire;

namespace BitVla.Transport.Tests.Wire;

public sealed class UlidTests
{
    [Fact]
    public void Next_ManyInOneMillisecondAndLater_SortInOrder()
    {
        var clock = new ScriptedClock();
        var ulid = new Ulid(clock);
        var made = new List<string>();
        for (int i = 0; i < 2000; i++)
        {
            made.Add(ulid.Next());
            if (i % 100 == 0)
            {
                clock.Advance(TimeSpan.FromMilliseconds(1));
            }
        }

        Assert.Equal(made.Order(StringComparer.Ordinal), made);
        Assert.Equal(made.Count, made.Distinct().Count());
        Assert.All(made, text => Assert.Matches("^[0-7][0-9A-HJKMNP-TV-Z]{25}$", text));
    }

    [Fact]
    public void Next_FirstTenLetters_AreTheMilliseconds()
    {
        var clock = new ScriptedClock();
        const string Letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        long milliseconds = new Ulid(clock).Next()[..10].Aggregate(0L, (sum, letter) => (sum * 32) + Letters.IndexOf(letter, StringComparison.Ordinal));
        Assert.Equal(clock.Start.ToUnixTimeMilliseconds(), milliseconds);
    }
}
