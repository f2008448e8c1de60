package pool

// DriverDSN shows what the driver was told.
func DriverDSN(d *DSN) string { return d.config.FormatDSN() }
