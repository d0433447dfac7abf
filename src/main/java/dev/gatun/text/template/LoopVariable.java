package dev.gatun.text.template;

/** What a loop says about itself. */
final class LoopVariable {
    private LoopVariable() {}

    static Value attribute(Value.Loop loop, String name) {
        int index = loop.index();
        int size = loop.items().size();
        return switch (name) {
            case "index" -> new Value.Int(index + 1);
            case "index0" -> new Value.Int(index);
            case "revindex" -> new Value.Int(size - index);
            case "revindex0" -> new Value.Int(size - index - 1);
            case "first" -> new Value.Bool(index == 0);
            case "last" -> new Value.Bool(index == size - 1);
            case "length" -> new Value.Int(size);
            case "previtem" -> neighbour(loop, index - 1, name);
            case "nextitem" -> neighbour(loop, index + 1, name);
            default -> throw new TemplateException("`loop.%s` is not supported".formatted(name));
        };
    }

    private static Value neighbour(Value.Loop loop, int index, String name) {
        return index >= 0 && index < loop.items().size()
                ? loop.items().get(index)
                : new Value.Undefined("`loop." + name + "`");
    }
}
