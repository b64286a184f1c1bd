package eval

import (
	"math"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var unitFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other files
	plan.FnConvertAngle:       convertUnit(angles),
	plan.FnConvertEnergy:      convertUnit(energies),
	plan.FnConvertForce:       convertUnit(forces),
	plan.FnConvertLength:      convertUnit(lengths),
	plan.FnConvertMass:        convertUnit(masses),
	plan.FnConvertSpeed:       convertUnit(speeds),
	plan.FnConvertVolume:      convertUnit(volumes),
	plan.FnConvertTemperature: convertTemperature,
}

// convertUnit makes a function of a number and the names of two units. A table has the size of each unit in one of them; an
// unknown name gives null.
func convertUnit(sizes map[string]float64) Func {
	return func(_ *Env, out kql.Type, args []Value) Value {
		x := Convert(args[0], kql.TypeReal)
		from, okFrom := sizes[Text(args[1])]
		to, okTo := sizes[Text(args[2])]
		if !x.set || !okFrom || !okTo {
			return Null(out)
		}
		return Real(x.Real() * from / to)
	}
}

// Sizes of units are those of the international yard and pound, of the SI and of the CODATA constants.
const (
	inch         = 0.0254
	foot         = 12 * inch
	yard         = 3 * foot
	mile         = 1760 * yard
	nauticalMile = 1852
	usFoot       = 1200.0 / 3937
	pound        = 0.45359237
	gravity      = 9.80665
	usGallon     = 231 * inch * inch * inch
	imperial     = 0.00454609 // gallon
	hour         = 3600
)

var angles = map[string]float64{
	"Arcminute": 1.0 / 60, "Arcsecond": 1.0 / 3600, "Centiradian": 180 / math.Pi / 100, "Deciradian": 180 / math.Pi / 10, "Degree": 1,
	"Gradian": 0.9, "Microdegree": 1e-6, "Microradian": 180 / math.Pi * 1e-6, "Millidegree": 1e-3, "Milliradian": 180 / math.Pi * 1e-3,
	"Nanodegree": 1e-9, "Nanoradian": 180 / math.Pi * 1e-9, "NatoMil": 360.0 / 6400, "Radian": 180 / math.Pi, "Revolution": 360,
	"Tilt": 90,
}

var energies = map[string]float64{
	"BritishThermalUnit": 1055.05585262, "Calorie": 4.184, "DecathermEc": 1055055852.62, "DecathermImperial": 1055055852.62,
	"DecathermUs": 1054804000, "ElectronVolt": 1.602176634e-19, "Erg": 1e-7, "FootPound": foot * pound * gravity, "GigabritishThermalUnit": 1055.05585262e9,
	"GigaelectronVolt": 1.602176634e-10, "Gigajoule": 1e9, "GigawattDay": 24 * hour * 1e9, "GigawattHour": hour * 1e9,
	"HorsepowerHour": 550 * foot * pound * gravity * hour, "Joule": 1, "KilobritishThermalUnit": 1055055.85262, "Kilocalorie": 4184,
	"KiloelectronVolt": 1.602176634e-16, "Kilojoule": 1e3, "KilowattDay": 24 * hour * 1e3, "KilowattHour": hour * 1e3,
	"MegabritishThermalUnit": 1055055852.62, "Megacalorie": 4.184e6, "MegaelectronVolt": 1.602176634e-13, "Megajoule": 1e6,
	"MegawattDay": 24 * hour * 1e6, "MegawattHour": hour * 1e6, "Millijoule": 1e-3, "TeraelectronVolt": 1.602176634e-7,
	"TerawattDay": 24 * hour * 1e12, "TerawattHour": hour * 1e12, "ThermEc": 105505585.262, "ThermImperial": 105505585.262,
	"ThermUs": 105480400, "WattDay": 24 * hour, "WattHour": hour,
}

var forces = map[string]float64{
	"Decanewton": 10, "Dyn": 1e-5, "KilogramForce": gravity, "Kilonewton": 1e3, "KiloPond": gravity, "KilopoundForce": 1e3 * pound * gravity,
	"Meganewton": 1e6, "Micronewton": 1e-6, "Millinewton": 1e-3, "Newton": 1, "OunceForce": pound * gravity / 16,
	"Poundal": pound * foot, "PoundForce": pound * gravity, "ShortTonForce": 2000 * pound * gravity, "TonneForce": 1e3 * gravity,
}

var lengths = map[string]float64{
	"Angstrom": 1e-10, "AstronomicalUnit": 149597870700, "Centimeter": 1e-2, "Chain": 22 * yard, "DataMile": 6000 * foot, "Decameter": 10,
	"Decimeter": 1e-1, "DtpPica": inch / 6, "DtpPoint": inch / 72, "Fathom": 2 * yard, "Foot": foot, "Hand": 4 * inch, "Hectometer": 100,
	"Inch": inch, "KilolightYear": 9.4607304725808e18, "Kilometer": 1e3, "Kiloparsec": 3.0856775814913673e19, "LightYear": 9.4607304725808e15,
	"MegalightYear": 9.4607304725808e21, "Megaparsec": 3.0856775814913673e22, "Meter": 1, "Microinch": 1e-6 * inch, "Micrometer": 1e-6,
	"Mil": 1e-3 * inch, "Mile": mile, "Millimeter": 1e-3, "Nanometer": 1e-9, "NauticalMile": nauticalMile, "Parsec": 3.0856775814913673e16,
	"PrinterPica": 0.4217517e-2, "PrinterPoint": 0.3514598e-3, "Shackle": 15 * 6 * foot, "SolarRadius": 6.957e8, "Twip": inch / 1440,
	"UsSurveyFoot": usFoot, "Yard": yard,
}

var masses = map[string]float64{
	"Centigram": 1e-5, "Decagram": 1e-2, "Decigram": 1e-4, "EarthMass": 5.9722e24, "Grain": pound / 7000, "Gram": 1e-3, "Hectogram": 1e-1,
	"Kilogram": 1, "Kilopound": 1e3 * pound, "Kilotonne": 1e6, "LongHundredweight": 112 * pound, "LongTon": 2240 * pound, "Megapound": 1e6 * pound,
	"Megatonne": 1e9, "Microgram": 1e-9, "Milligram": 1e-6, "Nanogram": 1e-12, "Ounce": pound / 16, "Pound": pound,
	"ShortHundredweight": 100 * pound, "ShortTon": 2000 * pound, "Slug": pound * gravity / foot, "SolarMass": 1.98847e30, "Stone": 14 * pound,
	"Tonne": 1e3,
}

var speeds = perTime(map[string]float64{
	"Centimeter": 1e-2, "Decimeter": 1e-1, "Foot": foot, "Inch": inch, "Kilometer": 1e3, "Meter": 1, "Micrometer": 1e-6, "Millimeter": 1e-3,
	"Nanometer": 1e-9, "UsSurveyFoot": usFoot, "Yard": yard, "Mile": mile,
})

// perTime makes speeds of lengths.
func perTime(sizes map[string]float64) map[string]float64 {
	all := map[string]float64{"Knot": nauticalMile / float64(hour)}
	for name, size := range sizes {
		plural := name + "Per"
		all[plural+"Second"], all[plural+"Minute"], all[plural+"Hour"] = size, size/60, size/hour
	}
	return all
}

var volumes = map[string]float64{
	"AcreFoot": 43560 * foot * foot * foot, "AuTablespoon": 20e-6, "BoardFoot": foot * foot * inch, "Centiliter": 1e-5,
	"CubicCentimeter": 1e-6, "CubicDecimeter": 1e-3, "CubicFoot": foot * foot * foot, "CubicHectometer": 1e6, "CubicInch": inch * inch * inch,
	"CubicKilometer": 1e9, "CubicMeter": 1, "CubicMicrometer": 1e-18, "CubicMile": mile * mile * mile, "CubicMillimeter": 1e-9,
	"CubicYard": yard * yard * yard, "Decaliter": 1e-2, "DecausGallon": 10 * usGallon, "Deciliter": 1e-4, "DeciusGallon": usGallon / 10,
	"HectocubicFoot": 100 * foot * foot * foot, "HectocubicMeter": 100, "Hectoliter": 1e-1, "HectousGallon": 100 * usGallon,
	"ImperialBeerBarrel": 36 * imperial, "ImperialGallon": imperial, "ImperialOunce": imperial / 160, "ImperialPint": imperial / 8,
	"KilocubicFoot": 1e3 * foot * foot * foot, "KilocubicMeter": 1e3, "KiloimperialGallon": 1e3 * imperial, "Kiloliter": 1,
	"KilousGallon": 1e3 * usGallon, "Liter": 1e-3, "MegacubicFoot": 1e6 * foot * foot * foot, "MegaimperialGallon": 1e6 * imperial, "Megaliter": 1e3,
	"MegausGallon": 1e6 * usGallon, "MetricCup": 250e-6, "MetricTeaspoon": 5e-6, "Microliter": 1e-9, "Milliliter": 1e-6,
	"OilBarrel": 42 * usGallon, "UkTablespoon": 15e-6, "UsBeerBarrel": 31 * usGallon, "UsCustomaryCup": usGallon / 16, "UsGallon": usGallon,
	"UsLegalCup": 240e-6, "UsOunce": usGallon / 128, "UsPint": usGallon / 8, "UsQuart": usGallon / 4, "UsTablespoon": usGallon / 256,
	"UsTeaspoon": usGallon / 768,
}

// temperatures are the scales: kelvin = (degrees + offset) * size.
var temperatures = map[string]struct{ size, offset float64 }{
	"DegreeCelsius": {1, 273.15}, "DegreeDelisle": {-2.0 / 3, -559.725}, "DegreeFahrenheit": {5.0 / 9, 459.67},
	"DegreeNewton": {100.0 / 33, 90.1395}, "DegreeRankine": {5.0 / 9, 0}, "DegreeReaumur": {1.25, 218.52},
	"DegreeRoemer": {40.0 / 21, 135.90375}, "Kelvin": {1, 0}, "MillidegreeCelsius": {1e-3, 273150}, "SolarTemperature": {5778, 0},
}

func convertTemperature(_ *Env, out kql.Type, args []Value) Value {
	x := Convert(args[0], kql.TypeReal)
	from, okFrom := temperatures[Text(args[1])]
	to, okTo := temperatures[Text(args[2])]
	if !x.set || !okFrom || !okTo {
		return Null(out)
	}
	return Real((x.Real()+from.offset)*from.size/to.size - to.offset)
}
