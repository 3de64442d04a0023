namespace BitVla.Kernels.Threading;

/// <summary>Work that falls into independent tiles; which thread runs which tile must not change a bit of the result.</summary>
public interface ITileJob
{
    /// <summary>Runs one tile. Allocates nothing, throws nothing; must end within 50 ms on a slow board.</summary>
    /// <param name="tile">0 … tileCount-1.</param>
    /// <param name="worker">0 … threads-1: which worker's scratch memory to use.</param>
    void RunTile(int tile, int worker);
}
