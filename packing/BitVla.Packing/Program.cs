using BitVla.Packing;

return await CommandLine.Create().Parse(args).InvokeAsync();
