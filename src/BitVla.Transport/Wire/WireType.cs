namespace BitVla.Transport.Wire;

/// <summary>Types of fields.</summary>
public enum WireType
{
    /// <summary>Whole number within the field's range.</summary>
    Whole,

    /// <summary>Finite number.</summary>
    Number,

    /// <summary>True or false.</summary>
    Flag,

    /// <summary>Text.</summary>
    Text,

    /// <summary>One of a few words.</summary>
    Word,

    /// <summary>List of texts.</summary>
    TextList,

    /// <summary>List of some of a few words.</summary>
    WordList,

    /// <summary>List of texts, or one word that stands for all.</summary>
    UnitList,

    /// <summary>List of finite numbers.</summary>
    NumberList,

    /// <summary>List of rows of finite numbers, all of one length.</summary>
    NumberRows,

    /// <summary>Object with fields of its own.</summary>
    Group,

    /// <summary>Object whose keys are free and whose values are texts.</summary>
    TextMap,
}
