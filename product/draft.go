package product

// Validate returns an [InvalidError] with every rule that the draft breaks by itself, or nil:
// what [Service.Create] would say before it asks the store. A caller that has found faults of
// its own, such as a decoder, reports these together with them.
func (d Draft) Validate() error {
	_, err := d.checked()
	return err
}
