package bench

import (
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// colours can be told apart by people who see red and green alike, too (Okabe and Ito).
var colours = []color.Color{
	color.RGBA{R: 0, G: 114, B: 178, A: 255}, color.RGBA{R: 213, G: 94, B: 0, A: 255},
	color.RGBA{R: 0, G: 158, B: 115, A: 255}, color.RGBA{R: 204, G: 121, B: 167, A: 255},
}

// plotted draws a panel for each axis: ours in solid lines, by hand in dashed ones.
func plotted(curves map[string][]point, file string) error {
	const width, height = 34 * vg.Centimeter, 11 * vg.Centimeter
	panels := make([][]*plot.Plot, 1)
	for i, along := range axes() {
		panel, err := panelOf(along, curves, i == 0)
		if err != nil {
			return err
		}
		panels[0] = append(panels[0], panel)
	}
	canvas := vgsvg.New(width, height)
	tiles := draw.Tiles{Rows: 1, Cols: len(panels[0]), PadX: 5 * vg.Millimeter, PadTop: 3 * vg.Millimeter, PadBottom: 3 * vg.Millimeter, PadLeft: 3 * vg.Millimeter, PadRight: 3 * vg.Millimeter}
	all := draw.New(canvas)
	all.FillPolygon(color.White, []vg.Point{all.Min, {X: all.Max.X, Y: all.Min.Y}, all.Max, {X: all.Min.X, Y: all.Max.Y}}) // for dark pages
	for i, at := range plot.Align(panels, tiles, all)[0] {
		panels[0][i].Draw(at)
	}
	to, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(to); err != nil {
		return err
	}
	return to.Close()
}

func panelOf(along axis, curves map[string][]point, legend bool) (*plot.Plot, error) {
	p := plot.New()
	p.X.Label.Text = along.name
	p.Y.Label.Text = "requests a second"
	p.Y.Min = 0
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks(along.values), thousands{}
	if last := len(along.values) - 1; along.values[last] > 100*along.values[0]/2 {
		p.X.Scale = plot.LogScale{}
	}
	p.Add(plotter.NewGrid())
	for i, a := range askings {
		ours, byHand := make(plotter.XYs, len(along.values)), make(plotter.XYs, len(along.values))
		for k, at := range curves[along.name+a.name] {
			ours[k] = plotter.XY{X: float64(at.value), Y: at.ours}
			byHand[k] = plotter.XY{X: float64(at.value), Y: at.byHand}
		}
		solid, points, err := plotter.NewLinePoints(ours)
		if err != nil {
			return nil, err
		}
		dashed, err := plotter.NewLine(byHand)
		if err != nil {
			return nil, err
		}
		solid.Color, points.Color, dashed.Color = colours[i], colours[i], colours[i]
		solid.Width = vg.Points(1.5)
		points.Shape = draw.CircleGlyph{}
		dashed.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
		p.Add(solid, points, dashed)
		if legend {
			p.Legend.Add(a.name, solid)
			p.Legend.Add(a.name+", by hand", dashed)
		}
	}
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, vg.Points(2)
	if legend {
		p.Y.Max *= 1.8 // for the legend above the curves
	}
	return p, nil
}

func ticks(values []int) plot.ConstantTicks {
	var all plot.ConstantTicks
	for _, v := range values {
		all = append(all, plot.Tick{Value: float64(v), Label: grouped(v)})
	}
	return all
}

// thousands labels ticks as people write numbers.
type thousands struct{}

func (thousands) Ticks(low, high float64) []plot.Tick {
	all := plot.DefaultTicks{}.Ticks(low, high)
	for i := range all {
		if all[i].Label != "" {
			all[i].Label = grouped(int(all[i].Value))
		}
	}
	return all
}
