package dev.gatun.cli;

import dev.gatun.GatunException;
import java.io.PrintWriter;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.ParameterException;

/** {@code gatun}: the verbs. */
@Command(
        name = "gatun",
        description = "Runs Mixtral-class mixture-of-experts language models.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {HelpCommand.class, GenerateCompletion.class},
        footerHeading = "%nExamples:%n",
        footer = {
            "  gatun generate                         a story from the demo model",
            "  gatun generate -m DIR -p \"The lock\"    text from your own model",
            "  gatun pull OWNER/NAME                  a model from a hub, for -m OWNER/NAME",
            "  gatun plan -m DIR --gpu-memory 12GiB   what fits a GPU, and how fast that is",
            "  gatun inspect DIR                      what a model folder holds",
            "  gatun convert IN OUT                   a model in Gatun's own format",
            "  gatun quantize IN OUT                  a model in 2.5 bits a weight",
            "  gatun perplexity -m DIR FILE           how well a model predicts a text",
            "  gatun bench -m DIR                     tokens a second, and what bounds them",
            "  gatun info                             what this machine offers",
            "  source <(gatun generate-completion)    completion for bash and zsh"
        })
final class GatunCommand {
    private GatunCommand() {}

    /** Runs a command line and returns the exit code. {@code interrupted} is set when Ctrl-C came. */
    static int execute(Console console, AtomicBoolean interrupted, String... arguments) {
        CommandLine line = line(console, interrupted);
        int code = arguments.length == 0 ? usage(line) : line.execute(arguments);
        console.out().flush();
        return code;
    }

    /** The parser of the verbs. */
    static CommandLine line(Console console, AtomicBoolean interrupted) {
        CommandLine line = new CommandLine(new GatunCommand())
                .addSubcommand(new GenerateCommand(console, interrupted))
                .addSubcommand(new PlanCommand(console))
                .addSubcommand(new InspectCommand(console))
                .addSubcommand(new ConvertCommand(console, interrupted))
                .addSubcommand(new QuantizeCommand(console, interrupted))
                .addSubcommand(new VerifyCommand(console, interrupted))
                .addSubcommand(new PerplexityCommand(console, interrupted))
                .addSubcommand(new TraceCommand(console))
                .addSubcommand(new BenchCommand(console, interrupted))
                .addSubcommand(new PullCommand(console, interrupted))
                .addSubcommand(new InfoCommand(console))
                .setOut(console.outWriter())
                .setErr(console.errWriter())
                // A prompt may begin with an @.
                .setExpandAtFiles(false)
                .setParameterExceptionHandler(GatunCommand::mistake)
                .setExecutionExceptionHandler((failure, command, parsed) -> failed(console, failure));
        Names.registerIn(line);
        line.getSubcommands()
                .get("generate-completion")
                .getCommandSpec()
                .usageMessage()
                .hidden(true);
        return line;
    }

    private static int usage(CommandLine line) {
        line.usage(line.getErr());
        return ExitCode.USER;
    }

    private static int mistake(ParameterException mistake, String[] arguments) {
        CommandLine command = mistake.getCommandLine();
        PrintWriter err = command.getErr();
        // picocli begins some of its messages so.
        err.println("gatun: " + firstLine(mistake.getMessage()).replaceFirst("^Error: ", ""));
        err.println("try: " + command.getCommandSpec().qualifiedName() + " --help");
        return ExitCode.USER;
    }

    private static int failed(Console console, Exception failure) {
        if (failure instanceof GatunException) {
            console.err().println("gatun: " + failure.getMessage());
            return ExitCode.USER;
        }
        if (failure instanceof CancellationException) {
            return ExitCode.INTERRUPTED;
        }
        failure.printStackTrace(console.err());
        console.err().println("gatun: this is a bug; please report it with the lines above");
        return ExitCode.BUG;
    }

    private static String firstLine(String message) {
        return message.lines().findFirst().orElse("unusable command line");
    }
}
