namespace BitVla.Packing.Synth;

/// <summary>The forty instructions of LIBERO (spatial, object, goal, 10): the words a synthetic tokenizer holds whole.</summary>
/// <remarks>Source: task names of the LIBERO benchmark, Lifelong-Robot-Learning/LIBERO.</remarks>
internal static class LiberoInstructions
{
    public static readonly string[] All =
    [
        "pick up the black bowl between the plate and the ramekin and place it on the plate",
        "pick up the black bowl from table center and place it on the plate",
        "pick up the black bowl in the top drawer of the wooden cabinet and place it on the plate",
        "pick up the black bowl next to the cookie box and place it on the plate",
        "pick up the black bowl next to the plate and place it on the plate",
        "pick up the black bowl next to the ramekin and place it on the plate",
        "pick up the black bowl on the cookie box and place it on the plate",
        "pick up the black bowl on the ramekin and place it on the plate",
        "pick up the black bowl on the stove and place it on the plate",
        "pick up the black bowl on the wooden cabinet and place it on the plate",
        "pick up the alphabet soup and place it in the basket",
        "pick up the bbq sauce and place it in the basket",
        "pick up the butter and place it in the basket",
        "pick up the chocolate pudding and place it in the basket",
        "pick up the cream cheese and place it in the basket",
        "pick up the ketchup and place it in the basket",
        "pick up the milk and place it in the basket",
        "pick up the orange juice and place it in the basket",
        "pick up the salad dressing and place it in the basket",
        "pick up the tomato sauce and place it in the basket",
        "open the middle drawer of the cabinet",
        "open the top drawer and put the bowl inside",
        "push the plate to the front of the stove",
        "put the bowl on the plate",
        "put the bowl on the stove",
        "put the bowl on top of the cabinet",
        "put the cream cheese in the bowl",
        "put the wine bottle on the rack",
        "put the wine bottle on top of the cabinet",
        "turn on the stove",
        "turn on the stove and put the moka pot on it",
        "put the black bowl in the bottom drawer of the cabinet and close it",
        "put the yellow and white mug in the microwave and close it",
        "put both moka pots on the stove",
        "put both the alphabet soup and the cream cheese box in the basket",
        "put both the alphabet soup and the tomato sauce in the basket",
        "put both the cream cheese box and the butter in the basket",
        "put the white mug on the left plate and put the yellow and white mug on the right plate",
        "put the white mug on the plate and put the chocolate pudding to the right of the plate",
        "pick up the book and place it in the back compartment of the caddy",
    ];
}
