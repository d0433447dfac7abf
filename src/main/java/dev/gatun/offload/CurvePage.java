package dev.gatun.offload;

import java.util.Formatter;
import java.util.List;
import java.util.Locale;

/**
 * Curves of ratios as a self-contained HTML page, an SVG picture for each plot, side by side where the window is wide enough;
 * opens anywhere, asks for nothing.
 */
public final class CurvePage {
    private static final int LEFT = 60;
    private static final int TOP = 30;
    private static final int WIDTH = 560;
    private static final int HEIGHT = 360;
    private static final List<String> COLOURS =
            List.of("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#555555", "#e69f00");

    /**
     * One curve.
     *
     * @param label what it is of
     * @param dashed how the line is drawn
     * @param colour which colour, from 0; curves that belong together share one
     * @param ratios for 1 of what is counted below the plot, for 2 and on
     */
    public record Curve(String label, boolean dashed, int colour, List<Double> ratios) {
        public Curve {
            ratios = List.copyOf(ratios);
        }
    }

    /**
     * One picture.
     *
     * @param counted what is counted below it
     * @param ratio what the curves show
     * @param curves all of the same length
     */
    public record Plot(String counted, String ratio, List<Curve> curves) {
        public Plot {
            curves = List.copyOf(curves);
        }
    }

    private final StringBuilder page = new StringBuilder();
    private final Formatter out = new Formatter(page, Locale.ROOT);

    private CurvePage() {}

    /**
     * Draws a page.
     *
     * @param title one line above the pictures
     */
    public static String of(String title, List<Plot> plots) {
        CurvePage drawn = new CurvePage();
        drawn.begin(title);
        plots.forEach(drawn::plot);
        return drawn.page.append("</body></html>\n").toString();
    }

    private void begin(String title) {
        String text = title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
        out.format("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title></head>%n", text);
        out.format(
                "<body style=\"font-family:sans-serif;background:#fff;color:#222\"><h1 style=\"font-size:1.1em\">%s</h1>%n",
                text);
    }

    private void plot(Plot plot) {
        out.format("<svg viewBox=\"0 0 820 450\" width=\"820\" height=\"450\" font-size=\"13\" fill=\"#222\">%n");
        axes(plot);
        for (int i = 0; i < plot.curves().size(); i++) {
            curve(plot.curves().get(i), i);
        }
        page.append("</svg>\n");
    }

    private void axes(Plot plot) {
        for (int tenth = 0; tenth <= 10; tenth += 2) {
            double y = y(tenth / 10.0);
            out.format("<path d=\"M%d %.1fh%d\" stroke=\"#ddd\"/>", LEFT, y, WIDTH);
            out.format("<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.1f</text>%n", LEFT - 8, y + 4, tenth / 10.0);
        }
        int most = plot.curves().getFirst().ratios().size();
        int step = Math.ceilDiv(most, 16);
        for (int count = step; count <= most; count += step) {
            out.format(
                    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>%n",
                    x(count, most), TOP + HEIGHT + 20, count);
        }
        out.format(
                "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>%n",
                LEFT + WIDTH / 2, TOP + HEIGHT + 45, plot.counted());
        out.format("<text x=\"%d\" y=\"%d\">%s</text>%n", LEFT - 35, TOP - 12, plot.ratio());
    }

    private void curve(Curve curve, int row) {
        String colour = COLOURS.get(curve.colour() % COLOURS.size());
        String dashes = curve.dashed() ? " stroke-dasharray=\"6 4\"" : "";
        out.format("<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s points=\"", colour, dashes);
        int most = curve.ratios().size();
        for (int count = 1; count <= most; count++) {
            out.format("%.1f,%.1f ", x(count, most), y(curve.ratios().get(count - 1)));
        }
        double y = TOP + 10 + 22.0 * row;
        int x = LEFT + WIDTH + 20;
        out.format("\"/>%n<path d=\"M%d %.1fh28\" stroke=\"%s\" stroke-width=\"2\"%s/>", x, y, colour, dashes);
        out.format("<text x=\"%d\" y=\"%.1f\">%s</text>%n", x + 36, y + 4, curve.label());
    }

    private static double x(int count, int most) {
        return LEFT + (double) WIDTH * count / most;
    }

    private static double y(double ratio) {
        return TOP + HEIGHT * (1 - ratio);
    }
}
